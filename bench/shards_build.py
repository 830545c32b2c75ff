"""Question: what does a shard set cost besides decoding, resizing and encoding its photographs?

A build (look at every photograph, decode, resize, encode, write a tar, index and digest it) is
compared with the codec alone (the very function that the build calls, on bytes in memory), with the
same re-encoding in Pillow, bicubic from full size, and, without a bar, with the codec's libraries
in a bare loop that looks at no EXIF, profile or damage. Rounds alternate in one process; CPU time
of the process and its children, a photograph. What a process costs to start (imports, tables of the
earth) is printed by itself, and is taken off by a source of twenty photographs.

How much faster two processes are is measured by the CPU time on the longest path (this process, and
half of what both workers need), because the clock of a busy machine tells about its other work; the
clock's own ratio is printed beside it.

    python bench/shards_build.py [--photos 400] [--side 1024] [--rounds 9]

Bars: a build at most 1.15 x the codec alone and 0.75 x Pillow's re-encoding; two processes at least
1.7 x one, with the same bytes; resized pixels at most 2 levels from Pillow's, 0.01 in the mean. The
exit code is 1 where one is missed. About three minutes on two cores; `--photos 40 --rounds 1` shows
in seconds that it works, with figures that mean little.
"""

import argparse
import io
import logging
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from figures import report
from PIL import Image

from streetclip.shards.photograph import encode_photograph
from streetclip.shards.picture import MAX_PIXELS
from streetclip.shards.shrink import decode_plain_jpeg, shrink
from streetclip.shards.write import BuildOptions, build_shards

NAME = "shards_build.py"
MOST_OF_CODEC, MOST_OF_PILLOW, LEAST_SPEEDUP = 1.15, 0.75, 1.7
MOST_LEVELS, MOST_MEAN_LEVELS = 2, 0.01
MAX_SIDE_PX, QUALITY = 512, 90
FEW = 20
DISTINCT = 60
"""Pictures that are drawn; further photographs are these with another comment in their file."""


def main() -> int:
    """Make photographs, measure every bar, and say which are missed."""
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few = make_source(folder / "few", FEW, given.side)
        some = make_source(folder / "some", given.photos, given.side)
        many = make_source(folder / "many", FEW + 4 * given.photos, given.side)
        held = [
            pixels_held(some),
            build_held(some, folder / "round", given.photos, given.rounds),
            processes_held(few, many, folder, 4 * given.photos, max(1, given.rounds // 3)),
        ]
    return 0 if all(held) else 1


def make_source(folder: Path, count: int, side: int) -> Path:
    """Photographs with the detail of a street scene, all on land, and their table."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    pictures = [_picture(rng, side) for _ in range(min(count, DISTINCT))]
    lines = ["image,latitude,longitude,country"]
    for number in range(count):
        comment = str(number).encode()
        segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment
        picture = pictures[number % len(pictures)]
        (folder / f"{number:06}.jpg").write_bytes(picture[:2] + segment + picture[2:])
        lines.append(f"{number:06}.jpg,{45 + number % 40 / 10},{2 + number % 30 / 10},")
    table = folder / "photos.csv"
    table.write_text("\n".join(lines) + "\n")
    return table


def _picture(rng: np.random.Generator, side: int) -> bytes:
    coarse = Image.fromarray(rng.integers(0, 255, (24, 32, 3), dtype=np.uint8))
    image = coarse.resize((side, side * 3 // 4), Image.Resampling.BICUBIC)
    out = io.BytesIO()
    noise = Image.effect_noise(image.size, 60).convert("RGB")
    Image.blend(image, noise, 0.15).save(out, "JPEG", quality=85)
    return out.getvalue()


def _photographs(table: Path, most: int) -> list[bytes]:
    return [path.read_bytes() for path in sorted(table.parent.glob("*.jpg"))[:most]]


def _small_size(width: int, height: int) -> tuple[int, int]:
    scale = MAX_SIDE_PX / max(width, height)
    return round(width * scale), round(height * scale)


def _pillow_pixels(raw: bytes) -> Image.Image:
    with Image.open(io.BytesIO(raw)) as image:
        return image.resize(_small_size(*image.size), Image.Resampling.BICUBIC)


def _our_pixels(raw: bytes) -> Image.Image:
    pixels = decode_plain_jpeg(raw, gray=False)
    width, height = _small_size(pixels.shape[1], pixels.shape[0])
    return Image.fromarray(shrink(pixels, width=width, height=height))


def _our_photograph(raw: bytes) -> bytes:
    return encode_photograph(
        raw, max_side_px=MAX_SIDE_PX, quality=QUALITY, max_pixels=MAX_PIXELS
    ).data


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def pixels_held(table: Path) -> bool:
    """Whether resized pixels are those of Pillow, to a level or two."""
    most, means = 0, []
    for raw in _photographs(table, DISTINCT):
        ours, theirs = (
            np.asarray(made, dtype=int) for made in (_our_pixels(raw), _pillow_pixels(raw))
        )
        most = max(most, int(np.abs(ours - theirs).max()))
        means.append(float(np.abs(ours - theirs).mean()))
    mean = statistics.fmean(means)
    held = most <= MOST_LEVELS and mean <= MOST_MEAN_LEVELS
    report(
        NAME, "resized pixels, largest and mean difference of 255", f"{most} / {mean:.4f}",
        "Pillow, full decode and bicubic", None, f"{MOST_LEVELS} / {MOST_MEAN_LEVELS}", held,
    )  # fmt: skip
    return held


def build_held(table: Path, out: Path, photos: int, rounds: int) -> bool:
    """Whether a build costs little more than its codec, and less than Pillow's."""
    raws = _photographs(table, photos)
    work: dict[str, Callable[[], object]] = {
        "decode, resize, encode alone": lambda: [_our_photograph(raw) for raw in raws],
        "build": lambda: _build(table, out, processes=1),
        "the same in Pillow, bicubic": lambda: [_encode(_pillow_pixels(raw)) for raw in raws],
        "the libraries in a bare loop": lambda: [_encode(_our_pixels(raw)) for raw in raws],
    }
    work["build"]()  # imports, and the tables of the earth
    spent: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(rounds):
        for name, run in work.items():
            shutil.rmtree(out, ignore_errors=True)
            began = _cpu_s()
            run()
            spent[name].append((_cpu_s() - began) / photos * 1e3)
    held = True
    bars = {
        "decode, resize, encode alone": MOST_OF_CODEC,
        "the same in Pillow, bicubic": MOST_OF_PILLOW,
        "the libraries in a bare loop": None,
    }
    for peer, most in bars.items():
        ratio = _median_ratio(spent["build"], spent[peer])
        ours, theirs = (statistics.median(spent[name]) for name in ("build", peer))
        ok = most is None or ratio <= most
        report(
            NAME, "a build, ms of CPU a photograph (less is better)", f"{ours:.2f}",
            f"{peer}: {theirs:.2f}", ratio, "" if most is None else f"at most {most}", ok,
        )  # fmt: skip
        held &= ok
    return held


def _median_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def _build(table: Path, out: Path, *, processes: int) -> None:
    options = BuildOptions(
        val_share=0,
        samples_per_shard=200 if table.parent.name != "few" else FEW // 2,
        max_side_px=MAX_SIDE_PX,
        quality=QUALITY,
    )
    written = build_shards(table, out, options=options, processes=processes)
    assert written.written == written.photographs, written.rejected


def _cpu_s() -> float:
    """CPU time of this process and of its children that have ended."""
    return sum(_cpu_parts_s())


def _cpu_parts_s() -> tuple[float, float]:
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime, children.ru_utime + children.ru_stime


def processes_held(small: Path, large: Path, folder: Path, further: int, rounds: int) -> bool:
    """Whether two processes share the work, and write the bytes that one writes."""
    measured: dict[int, list[tuple[float, float, float]]] = {1: [], 2: []}
    same = True
    for _ in range(rounds):
        for processes, found in measured.items():
            few = _path_and_clock_s(small, folder / f"few-{processes}", processes)
            many = _path_and_clock_s(large, folder / f"many-{processes}", processes)
            path, clock = ((b - a) / further for a, b in zip(few, many, strict=True))
            found.append((path, clock, max(0.0, few[0] - path * FEW)))
        for size in ("few", "many"):
            same &= _files(folder / f"{size}-1") == _files(folder / f"{size}-2")
    speedup = _median_ratio([one[0] for one in measured[1]], [two[0] for two in measured[2]])
    one, two = (
        [statistics.median(column) for column in zip(*measured[n], strict=True)] for n in (1, 2)
    )
    report(
        NAME, "two processes, ms on the longest path a photograph (less is better)",
        f"{two[0] * 1e3:.2f} (by the clock {two[1] * 1e3:.2f}; to start {two[2]:.1f} s)",
        f"one process: {one[0] * 1e3:.2f} (by the clock {one[1] * 1e3:.2f})", speedup,
        f"at least {LEAST_SPEEDUP}", speedup >= LEAST_SPEEDUP,
    )  # fmt: skip
    report(NAME, "bytes of one and of two processes", "equal" if same else "different", "", None,
           "equal", same)  # fmt: skip
    return same and speedup >= LEAST_SPEEDUP


def _path_and_clock_s(table: Path, out: Path, processes: int) -> tuple[float, float]:
    """CPU time on the longest path of a build, and its wall clock."""
    shutil.rmtree(out, ignore_errors=True)
    began, before = time.perf_counter(), _cpu_parts_s()
    _build(table, out, processes=processes)
    clock = time.perf_counter() - began
    own, children = (b - a for a, b in zip(before, _cpu_parts_s(), strict=True))
    return own + children / processes, clock


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


if __name__ == "__main__":
    sys.exit(main())
