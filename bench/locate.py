"""Points per second of `locate` and `locate_country`, beside a plain nearest-town tree.

    python bench/locate.py [--points 1000000] [--seed 0]

The points lie around towns, as photographs do: a random town with a scatter of 0.1 degrees. The
peer is one scipy cKDTree over all towns, whose nearest town gives country, region and town; it is
what most projects do, and it is wrong at borders. Also printed: what import and first use cost.
"""

import argparse
import sys
import time

from figures import report

_STARTED = time.process_time()

import numpy as np  # noqa: E402  # the clock must run before the imports it measures
from scipy.spatial import cKDTree  # noqa: E402

from streetclip.geo.distance import unit_vectors  # noqa: E402
from streetclip.geo.gazetteer import Gazetteer, load_gazetteer  # noqa: E402
from streetclip.geo.locate import locate, locate_country  # noqa: E402

LEAST_PLACE, LEAST_COUNTRY = 0.15, 0.4


def main() -> int:
    """Measure and print; 1 if a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    locate(48.8584, 2.2945)
    print(f"import and first answer: {time.process_time() - _STARTED:.2f} s of CPU")
    towns = load_gazetteer()
    points = scattered(towns, options.points, seed=options.seed)
    warm = scattered(towns, 100_000, seed=options.seed + 1)
    locate(warm[:, 0], warm[:, 1])  # the trees of the countries are made when first asked
    tree = cKDTree(unit_vectors(towns.latlon))

    started = time.process_time()
    nearest = tree.query(unit_vectors(points))[1]
    _ = towns.country[nearest], towns.region[nearest], towns.name[nearest]
    peer = time.process_time() - started
    print(f"nearest town of all (peer): {len(points) / peer:,.0f} points/s")

    started = time.process_time()
    locate(points[:, 0], points[:, 1])
    spent = time.process_time() - started
    held = said("country, region and town", len(points), spent, peer, bar=LEAST_PLACE)

    started = time.process_time()
    locate_country(points[:, 0], points[:, 1])
    spent = time.process_time() - started
    held &= said("country alone", len(points), spent, peer, bar=LEAST_COUNTRY)
    return 0 if held else 1


def scattered(towns: Gazetteer, count: int, *, seed: int) -> np.ndarray:
    """Latitude and longitude of points around random towns."""
    random = np.random.default_rng(seed)
    chosen = towns.latlon[random.integers(len(towns), size=count)]
    points = chosen + random.normal(scale=0.1, size=(count, 2))
    return np.clip(points, [-90.0, -180.0], [90.0, 180.0])


def said(name: str, count: int, seconds: float, peer: float, *, bar: float) -> bool:
    """Report million points a second, and how often the peer's speed that is."""
    report(
        "locate.py",
        f"{name}, million points a second of CPU",
        f"{count / seconds / 1e6:.2f}",
        f"nearest town in one KD-tree: {count / peer / 1e6:.2f}",
        peer / seconds,
        f"at least {bar}",
        peer / seconds >= bar,
    )
    return peer / seconds >= bar


if __name__ == "__main__":
    sys.exit(main())
