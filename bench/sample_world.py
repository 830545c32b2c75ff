"""Is the sample world fast, and is it hard in the right way?

Prints photographs a second, and how well two methods that see no shapes name the country of
photographs from towns that were never seen: the nearest neighbor by mean color (limit 20 %) and a
logistic regression on thumbnails of 16 x 16 pixels (limit 40 %, the best of several penalties).

    python bench/sample_world.py                 # 4,000 and 1,000 photographs of 48 countries
"""

import argparse
import csv
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from figures import report
from jaxtyping import Float64, Int64
from PIL import Image
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from streetclip.sampleworld.generate import generate

THUMBNAIL_PX = 16
PENALTIES = (1e-3, 1e-2, 3e-2, 1e-1)
MEAN_COLOR_LIMIT = 0.20
THUMBNAIL_LIMIT = 0.40

Pixels = Float64[np.ndarray, "n k"]
Labels = Int64[np.ndarray, " n"]


def main() -> int:
    """Render both sets, measure, and say whether the limits hold; 1 if one does not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=4000)
    parser.add_argument("--val-photos", type=int, default=1000)
    parser.add_argument("--countries", type=int, default=48)
    parser.add_argument("--processes", type=int, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sets = {}
        for towns, photos, seed in (
            ("train", arguments.photos, 1),
            ("val", arguments.val_photos, 2),
        ):
            start = time.perf_counter()
            generate(
                Path(folder) / towns,
                photos,
                seed=seed,
                towns=towns,
                countries=arguments.countries,
                processes=arguments.processes,
            )
            rate = photos / (time.perf_counter() - start)
            print(f"{towns}: {photos} photographs, {rate:.0f} a second")
            sets[towns] = read_thumbnails(Path(folder) / towns)
    return 0 if limits_held(*sets["train"], *sets["val"]) else 1


def read_thumbnails(folder: Path) -> tuple[Pixels, Labels]:
    """Thumbnails as rows of numbers from 0 to 1, and the countries as numbers."""
    with (folder / "photos.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    codes = sorted({row["country"] for row in rows})
    pixels = [thumbnail(folder / row["image"]) for row in rows]
    return np.stack(pixels), np.array([codes.index(row["country"]) for row in rows])


def thumbnail(path: Path) -> Float64[np.ndarray, " k"]:
    """A photograph averaged down to 16 x 16 pixels."""
    with Image.open(path) as image:
        small = image.resize((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64).ravel() / 255


def limits_held(train: Pixels, labels: Labels, val: Pixels, truth: Labels) -> bool:
    """Report both accuracies beside chance, and whether their limits hold."""
    count = int(labels.max()) + 1
    color = mean_color_accuracy(train, labels, val, truth)
    probe = max(probe_accuracy(train, labels, val, truth, penalty) for penalty in PENALTIES)
    held = True
    for name, value, limit in (
        ("nearest mean color", color, MEAN_COLOR_LIMIT),
        ("a linear probe on 16 x 16 thumbnails", probe, THUMBNAIL_LIMIT),
    ):
        report(
            "sample_world.py",
            f"country by {name}, {count} countries, unseen towns",
            f"{value:.1%}",
            f"chance {1 / count:.1%}",
            None,
            f"under {limit:.0%}",
            value < limit,
        )
        held &= value < limit
    return held


def mean_color_accuracy(train: Pixels, labels: Labels, val: Pixels, truth: Labels) -> float:
    """Share of photographs whose nearest neighbor by mean color is of the same country."""
    known = train.reshape(len(train), -1, 3).mean(axis=1)
    asked = val.reshape(len(val), -1, 3).mean(axis=1)
    distance = np.square(asked[:, None] - known[None]).sum(axis=-1)
    return float((labels[distance.argmin(axis=1)] == truth).mean())


def probe_accuracy(
    train: Pixels, labels: Labels, val: Pixels, truth: Labels, penalty: float
) -> float:
    """Accuracy of a logistic regression on standardized thumbnails."""
    mean, scale = train.mean(axis=0), train.std(axis=0) + 1e-6
    known, asked = (train - mean) / scale, (val - mean) / scale
    count = int(labels.max()) + 1
    target = np.eye(count)[labels]

    def loss(flat: Float64[np.ndarray, " w"]) -> tuple[float, Float64[np.ndarray, " w"]]:
        weight = flat.reshape(-1, count)
        scores = known @ weight[:-1] + weight[-1]
        value = -(target * log_softmax(scores, axis=1)).sum() / len(known)
        error = (softmax(scores, axis=1) - target) / len(known)
        gradient = np.vstack([known.T @ error + penalty * weight[:-1], error.sum(axis=0)])
        return value + penalty / 2 * np.square(weight[:-1]).sum(), gradient.ravel()

    start = np.zeros((known.shape[1] + 1) * count)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150})
    weight = found.x.reshape(-1, count)
    answer = (asked @ weight[:-1] + weight[-1]).argmax(axis=1)
    return float((answer == truth).mean())


if __name__ == "__main__":
    sys.exit(main())
