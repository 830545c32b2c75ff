"""The result of one benchmark run: its schema, written and read whole or not at all."""

import hashlib
import io
import json
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from streetclip.errors import ResultError
from streetclip.evaluation.bootstrap import Estimate
from streetclip.evaluation.calibration import CoveragePoint, ReliabilityBin
from streetclip.evaluation.leak_facts import leak_problems
from streetclip.evaluation.predictions import SCHEMA
from streetclip.evaluation.registry import set_title
from streetclip.evaluation.typed import fits, misfits
from streetclip.shards.layout import write_whole

VERSION = 2
RESULTS_FILE = "results.json"
PREDICTIONS_FILE = "predictions.parquet"
_PACKAGES = ("torch", "open_clip_torch", "numpy")


def current_versions() -> Mapping[str, str]:
    """Versions of this package and of what it computes with."""
    # Importing the package itself would be an import of the room `build`, which it loads on demand.
    own = str(sys.modules["streetclip"].__version__)
    versions = {"streetclip": own, "python": platform.python_version()}
    return MappingProxyType(versions | {name: metadata.version(name) for name in _PACKAGES})


@dataclass(frozen=True)
class Result:
    """Weights, photographs and protocol, and what came out.

    Args:
        set_name: Name of the photographs' set.
        model: Name of the model.
        weights_digest: Of its weights.
        protocol: Name of the protocol.
        protocol_digest: Of its resolved content.
        shard_set_digest: Of the photographs.
        photos: Photographs of the set that were asked for.
        unreadable: Key and reason of those that could not be read; they have no prediction.
        outside_protocol: Photographs in a country that the protocol does not name; they count as
            wrong.
        unknown_country: Photographs whose country nobody knows; they have a distance only.
        prompts: Distinct prompts that were encoded.
        matching_batch: Photographs of a batch of the in-batch matching.
        resamples: Of the bootstrap.
        seed: Of the bootstrap.
        values: Names to estimates; shares are 0 to 1, distances kilometers.
        predictions: One row a photograph, with the columns of `predictions.SCHEMA`.
        versions: Of what computed it.
        clusters: Groups of photographs that the bootstrap draws; 0 where it draws single ones.
        clustered_by: What the photographs of a group share.
        ceilings: The best values that the protocol allows on this set, see `ceilings`.
        reliability: Probability against accuracy of the countries, in bins.
        coverage: Accuracy of the countries when improbable answers are withheld.
        decoding: How the protocol chooses an answer.
        inclusive: Whether an error of exactly a radius counts as within it.
        geoscore_rounded: Whether the GeoScore of each photograph is rounded.
        precision: In which the towers computed.
        missing: Names of photographs of the source that are not in the set, because they are not
            on the disk, or for the reason behind the name.
        surplus: Names of photographs on the disk that the source does not name.
        set_photos: Photographs that the published set, or else the source, has; None where nobody
            knows.
        cluster: What the user wanted to be drawn together, see `clusters`.
        top_k: Countries that each prediction tells.
        leaks: Which of the photographs are in the training shards too, see `evaluation.leaks`;
            empty where nobody has looked.
    """

    set_name: str
    model: str
    weights_digest: str
    protocol: str
    protocol_digest: str
    shard_set_digest: str
    photos: int
    unreadable: tuple[tuple[str, str], ...]
    outside_protocol: int
    unknown_country: int
    prompts: int
    matching_batch: int
    resamples: int
    seed: int
    values: Mapping[str, Estimate]
    predictions: pa.Table = field(repr=False, compare=False)
    versions: Mapping[str, str] = field(default_factory=current_versions, compare=False)
    clusters: int = 0
    clustered_by: str = ""
    ceilings: Mapping[str, Estimate] = field(default_factory=dict)
    reliability: tuple[ReliabilityBin, ...] = ()
    coverage: tuple[CoveragePoint, ...] = ()
    decoding: str = "greedy"
    inclusive: bool = True
    geoscore_rounded: bool = False
    precision: str = "32-true"
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    set_photos: int | None = None
    cluster: str = "auto"
    top_k: int = 5
    leaks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name and size of the set; it says so where photographs of the set do not count."""
        return set_title(
            self.set_name,
            self.photos - len(self.unreadable),
            set_photos=self.set_photos,
            missing=len(self.missing) + len(self.unreadable),
        )


def logged_values(result: Result, set_name: str | None = None) -> dict[str, float]:
    """A result under the names of a run's log; values that no photograph counts for are left out.

    Args:
        result: Of an evaluation.
        set_name: What the run calls the set; None is the result's own name.

    Returns:
        ``zeroshot/SET/NAME`` to value.
    """
    name = result.set_name if set_name is None else set_name
    return {
        f"zeroshot/{name}/{key}": estimate.value
        for key, estimate in result.values.items()
        if estimate.value is not None
    }


def write_result(result: Result, folder: Path) -> None:
    """Write `predictions.parquet`, then `results.json`, whose presence says that all is there.

    Args:
        result: What to write.
        folder: Made if it does not exist; a result that lies there is replaced. One with the same
            predictions is whole at every moment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table, path = _parquet(result.predictions), folder / PREDICTIONS_FILE
    if not path.is_file() or path.read_bytes() != table:
        # An old results.json beside new predictions would be read as one result.
        (folder / RESULTS_FILE).unlink(missing_ok=True)
        write_whole(path, table)
    content = _content(result) | {"predictions_sha256": hashlib.sha256(table).hexdigest()}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(folder / RESULTS_FILE, text.encode())


def read_result(folder: Path) -> Result:
    """Read what `write_result` has written.

    Args:
        folder: A result folder.

    Returns:
        The result.

    Raises:
        ResultError: The folder is missing, incomplete, damaged or of another version.
    """
    content = _read_json(folder)
    path = folder / PREDICTIONS_FILE
    raw = path.read_bytes() if path.is_file() else None
    if raw is None or hashlib.sha256(raw).hexdigest() != content.pop("predictions_sha256", ""):
        raise ResultError(
            f"{path} is missing or does not belong to {RESULTS_FILE}",
            remedy="run the benchmark again",
        )
    del content["version"]
    _check_types(content, folder)
    try:
        # pq.read_table would import pandas.
        # A thread of its pool that still starts when the process ends would abort it.
        table = pq.ParquetFile(io.BytesIO(raw)).read(use_threads=False)
        records = {name: read(content.pop(name)) for name, read in _READERS.items()}
        result = Result(**content, **records, predictions=table)
    except (KeyError, TypeError, AttributeError, ValueError, pa.ArrowException) as error:
        raise ResultError(f"{folder / RESULTS_FILE} is incomplete", got=repr(error)) from error
    if not table.schema.equals(SCHEMA):
        raise ResultError(f"{path} has other columns", remedy="run the benchmark again")
    return result


def _check_types(content: Mapping[str, Any], folder: Path) -> None:
    """Refuses values that the reports would stumble over."""
    unreadable = content.get("unreadable", [])
    problems = misfits(
        Result, {name: value for name, value in content.items() if name != "unreadable"}
    )
    if not fits(unreadable, tuple[Mapping[str, str], ...]):
        problems.append("unreadable is no list of keys and reasons")
    if not problems:
        problems = leak_problems(content.get("leaks", {}))
    if problems:
        raise ResultError(
            f"{folder / RESULTS_FILE} has values of other types",
            got="; ".join(problems),
            remedy="run the benchmark again",
        )


def _content(result: Result) -> dict[str, Any]:
    fields = {
        name: value
        for name, value in vars(result).items()
        if name not in (*_READERS, "predictions", "versions")
    }
    return {
        "version": VERSION,
        **fields,
        "unreadable": [{"key": key, "reason": reason} for key, reason in result.unreadable],
        "values": {name: asdict(estimate) for name, estimate in result.values.items()},
        "ceilings": {name: asdict(estimate) for name, estimate in result.ceilings.items()},
        "reliability": [asdict(row) for row in result.reliability],
        "coverage": [asdict(point) for point in result.coverage],
        "missing": list(result.missing),
        "surplus": list(result.surplus),
        "versions": dict(result.versions),
    }


def _estimates(content: Mapping[str, Any]) -> dict[str, Estimate]:
    return {name: Estimate(**value) for name, value in content.items()}


# What JSON holds as mappings and lists, and a result as records.
_READERS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "values": _estimates,
        "ceilings": _estimates,
        "unreadable": lambda rows: tuple((row["key"], row["reason"]) for row in rows),
        "reliability": lambda rows: tuple(ReliabilityBin(**row) for row in rows),
        "coverage": lambda rows: tuple(CoveragePoint(**row) for row in rows),
        "missing": tuple,
        "surplus": tuple,
    }
)


def _parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table.cast(SCHEMA), buffer, compression="zstd")
    return buffer.getvalue()


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / RESULTS_FILE
    if not path.is_file():
        raise ResultError(
            f"no result at {folder}",
            got="no such folder" if not folder.is_dir() else f"no {RESULTS_FILE}",
            remedy="give a folder that `streetclip benchmark` or a run has written to its end",
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ResultError(f"{path} is no JSON", got=error) from error
    if not isinstance(content, dict) or content.get("version") != VERSION:
        got = content.get("version") if isinstance(content, dict) else type(content).__name__
        raise ResultError(f"{path} is of another version", got=got, allowed=VERSION)
    return content
