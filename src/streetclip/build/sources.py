"""Whatever an experiment calls its source becomes shard sets, built once and found again.

A shard set that is built here lies under `shards_dir`, in a folder named by the digest of what it
was made from and how, so that another source or another option is another folder.
"""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from streetclip.build.remote import cache_of, names_tars, train_and_val, whole_set
from streetclip.build.sets import building, linked_set, set_content
from streetclip.config.data import DataConfig, SampleWorldConfig, ShardsConfig
from streetclip.errors import ShardError
from streetclip.evaluation.registry import KNOWN_SETS
from streetclip.manifest.sets import find_set, find_tars
from streetclip.sampleworld.generate import WORLD_VERSION, generate
from streetclip.shards.cache import Cache
from streetclip.shards.codec import CODEC
from streetclip.shards.layout import ShardSet, is_shard_set, open_shard_set
from streetclip.shards.remote import is_url
from streetclip.shards.write import BuildOptions, BuildReport, build_shards

SAMPLE_WORLD = "sample-world"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sources:
    """Where the photographs of a run lie; plain strings, so that ranks can tell each other.

    Args:
        train: Folder or URL of the training shard set, or URLs of shards for the resampled order.
        val: Folder or URL of the validation shard set, or None.
        sets: Further named sets to evaluate on.
    """

    train: str
    val: str | None
    sets: Mapping[str, str]


def prepare(data: DataConfig, sets: Mapping[str, str], *, progress: bool = True) -> Sources:
    """Build what is missing and say where everything lies.

    Args:
        data: The data options of an experiment.
        sets: Further named sets to evaluate on, name to source.
        progress: Show progress bars.

    Raises:
        InputError: A source is missing, empty or unusable.
    """
    options, folder, cache = data.shards, Path(data.shards_dir), cache_of(data.remote)
    if data.source == SAMPLE_WORLD:
        train, val = _sample_world(data.sample_world, options, folder, progress=progress)
    elif data.order == "resampled" and _is_tars(data.source):
        train, val = data.source, None
    elif is_url(data.source):
        train, val = train_and_val(data.source, cache)
    else:
        train, val = _splits(built(data.source, options, folder, progress=progress))
    if data.val_source is not None:
        val = whole(data.val_source, options, folder, progress=progress, cache=cache)
    further = {
        name: whole(source, _known_by(name, options), folder, progress=progress, cache=cache)
        for name, source in sets.items()
    }
    return Sources(train, val, further)


def _known_by(name: str, options: ShardsConfig) -> ShardsConfig:
    """A set that bears the name of a published one looks like it, whatever training looks like."""
    return replace(options, preset=name) if name in KNOWN_SETS else options


def whole(
    source: str,
    options: ShardsConfig,
    folder: Path,
    *,
    progress: bool = True,
    cache: Cache | None = None,
) -> str:
    """A source to evaluate on as one shard set: all of it, or the validation split of a built one.

    Args:
        source: A shard set, its URL, or a folder, CSV or Parquet file; with a preset the folder
            that the benchmark set was downloaded to.
        options: How a source becomes a shard set; the split is left out.
        folder: Where built shard sets are kept.
        progress: Show progress bars.
        cache: Where files from a URL are kept; None is the user's.
    """
    if is_url(source):
        return whole_set(source, Cache() if cache is None else cache)
    if is_shard_set(Path(source)):
        return str(_any_split(Path(source), ("val", "all", "train")))
    tars = find_tars(Path(source), options.preset)
    if tars is not None:
        return str(linked_set(tars, folder, preset=str(options.preset)))
    plain = ShardsConfig(**{**asdict(options), "val_share": 0.0, "holdout_countries": []})
    root = built(source, plain, folder, progress=progress, keep_unplaced=True)
    return str(_any_split(root, ("all",)))


def built(
    source: str,
    options: ShardsConfig,
    folder: Path,
    *,
    progress: bool = True,
    keep_unplaced: bool = False,
) -> Path:
    """The shard set of a source, built under `folder` unless it is there already.

    Args:
        source: A shard set, or a folder, CSV or Parquet file.
        options: How a source becomes a shard set.
        folder: Where built shard sets are kept.
        progress: Show progress bars.
        keep_unplaced: Keep photographs whose country nobody knows, as a benchmark must.

    Raises:
        ShardError: The source does not exist, or holds tars without an index.
    """
    path = Path(source)
    if not path.exists():
        if options.preset is not None:
            find_set(path, options.preset)  # draws what the set looks like
        raise ShardError(
            f"no such source: {source}",
            allowed="sample-world, a shard set or its URL, a folder of photographs, a CSV or a "
            "Parquet file",
        )
    if is_shard_set(path) or (path.is_dir() and any(path.glob("*.tar"))):
        open_shard_set(_any_split(path, ("train", "all", "val")))
        return path
    name = path.resolve().stem if path.is_file() else path.resolve().name
    content = set_content(path, options.preset) if keep_unplaced else _content(path)
    out = folder / f"{_plain_name(name)}-{_digest(content, [asdict(options), keep_unplaced])}"
    with building(out):
        _build(path, out, options, progress=progress, keep_unplaced=keep_unplaced)
    return out


def _build(
    source: Path,
    out: Path,
    options: ShardsConfig,
    *,
    progress: bool,
    keep_unplaced: bool = False,
) -> None:
    if (out / "build.json").exists() and is_shard_set(out):
        _log.info("shard set found: %s", out)
        return
    report = build_shards(
        source,
        out,
        options=build_options(options, keep_unplaced=keep_unplaced),
        preset=options.preset,
        processes=os.cpu_count() or 1,
        progress=progress,
    )
    _log.info("%s", summary(report))


def build_options(options: ShardsConfig, *, keep_unplaced: bool = False) -> BuildOptions:
    """The shard writer's own options.

    Args:
        options: Of an experiment, or of the command line.
        keep_unplaced: Keep photographs whose country nobody knows, as a benchmark must.
    """
    values = asdict(options)
    values.pop("preset")
    opt_out = values.pop("opt_out")
    return BuildOptions(
        **values, opt_out=Path(opt_out) if opt_out else None, keep_unplaced=keep_unplaced
    )


def summary(report: BuildReport) -> str:
    """What became of every photograph of a source, for a person to read."""
    lines = [f"{report.written} of {report.photographs} photographs written to {report.out}"]
    lines += [f"  {name}: {count} in {report.paths[name]}" for name, count in report.splits.items()]
    lines += [f"  rejected, {reason}: {count}" for reason, count in report.rejected.items()]
    if report.rejected:
        lines.append(f"  every rejected photograph is named in {report.out / 'rejected.csv'}")
    if report.disagreements:
        counts = ", ".join(f"{field} {count}" for field, count in report.disagreements.items())
        lines.append(f"  labels that the coordinates contradict: {counts}, in disagreements.csv")
    return "\n".join(lines)


def _sample_world(
    world: SampleWorldConfig, options: ShardsConfig, folder: Path, *, progress: bool
) -> tuple[str, str]:
    out = folder / f"sample-world-{_digest(WORLD_VERSION, [asdict(world), asdict(options)])}"
    # The towns are split already. Held-out countries stay among the validation photographs.
    train = ShardsConfig(**{**asdict(options), "val_share": 0.0})
    val = ShardsConfig(**{**asdict(train), "holdout_countries": []})
    halves = (
        ("train", world.photos, world.seed, train),
        ("val", world.val_photos, world.val_seed, val),
    )
    with building(out):
        for towns, photos, seed, half in halves:
            pictures = out / "photographs" / towns
            if not pictures.exists():
                part = pictures.with_suffix(".part")
                shutil.rmtree(part, ignore_errors=True)
                generate(
                    part,
                    photos,
                    seed=seed,
                    towns=towns,
                    countries=world.countries,
                    size_px=world.size_px,
                    progress=progress,
                )
                part.rename(pictures)
            _build(pictures / "photos.csv", out / towns, half, progress=progress)
    return str(_any_split(out / "train", ("train", "all"))), str(out / "val" / "all")


def _is_tars(source: str) -> bool:
    """Whether a source names tars that have no index, here or at a URL."""
    path = Path(source)
    if is_url(source):
        return names_tars(source)
    if not path.exists():
        return True
    if path.is_dir():
        return not is_shard_set(path) and any(path.glob("*.tar"))
    return path.suffix.lower() == ".tar"


def _splits(root: Path) -> tuple[str, str | None]:
    train = _any_split(root, ("train", "all"))
    val = root / "val"
    return str(train), str(val) if is_shard_set(val) and val != train else None


def _any_split(root: Path, names: tuple[str, ...]) -> Path:
    return next((root / name for name in names if is_shard_set(root / name)), root)


def open_set(place: str, cache: Cache | None = None) -> ShardSet:
    """Open a shard set that `prepare` has named.

    Args:
        place: Its folder or URL.
        cache: Where files from a URL are kept; None is the user's.
    """
    return open_shard_set(place, cache=cache)


def is_bare(train: str) -> bool:
    """Whether what `prepare` has named are tars without an index, for the resampled order.

    Args:
        train: Of `Sources`.
    """
    return names_tars(train) if is_url(train) else not is_shard_set(Path(train))


def _content(path: Path) -> str:
    """What a source holds, as far as its names, sizes and times tell; tables by their bytes."""
    digest = hashlib.sha256(str(path.resolve()).encode())
    if path.is_file():
        digest.update(path.read_bytes())
    else:
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            state = file.stat()
            digest.update(
                f"{file.relative_to(path)}\0{state.st_size}\0{state.st_mtime_ns}".encode()
            )
    return digest.hexdigest()


def _digest(content: str, options: Any) -> str:
    # Another library makes other pixels, which are another shard set.
    text = json.dumps([content, options, dict(CODEC)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain_name(name: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in name.lower()).strip("-") or "photographs"
