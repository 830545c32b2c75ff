"""Which photographs of a source go into shards, and why the others do not."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streetclip.errors import ManifestError
from streetclip.manifest.labels import Disagreement, complete_labels
from streetclip.manifest.read import Manifest, read_manifest
from streetclip.records import ManifestRow, Rejection
from streetclip.shards.optout import is_opted_out, read_opt_out
from streetclip.shards.pool import Pool
from streetclip.shards.progress import OnProgress
from streetclip.shards.scan import Scanned, Unusable, scan_photographs


@dataclass(frozen=True)
class Choice:
    """The photographs of a source, sorted out.

    Args:
        rows: To be written, labels complete, in the order of the source.
        scanned: Digest and size of each of them.
        rejections: All others.
        disagreements: Labels that the coordinates contradict.
        photographs: How many the source names.
        surplus: Names of photographs on the disk that the source does not name, for a benchmark.
    """

    rows: list[ManifestRow]
    scanned: list[Scanned]
    rejections: list[Rejection]
    disagreements: list[Disagreement]
    photographs: int
    surplus: Sequence[str] = ()


def choose_photographs(
    source: Path,
    *,
    preset: str | None,
    columns: Sequence[str],
    opt_out: Path | None,
    keep_unplaced: bool,
    max_pixels: int,
    pool: Pool,
    on_progress: OnProgress,
) -> Choice:
    """Reads a source, looks at every photograph and completes the labels.

    Args:
        source: Folder, CSV or Parquet file.
        preset: Name of a known benchmark set, or None.
        columns: Declared columns.
        opt_out: List of photographs that must not be used.
        keep_unplaced: Keep photographs whose country nobody knows, or the country alone, and those
            with the same bytes as another: for benchmarks, which count every photograph.
        max_pixels: Width times height of a photograph, at most.
        pool: Looks at many of them.
        on_progress: Called with ``"look"``, how many are done, and how many there are.

    Returns:
        What can be used and what cannot; nothing is in neither list.

    Raises:
        ManifestError: The source cannot be used, or not one photograph of it can.
    """
    opted_out = read_opt_out(opt_out)
    manifest = read_manifest(source, preset=preset, columns=columns, benchmark=keep_unplaced)
    labelled = complete_labels(manifest.rows, keep_unplaced=keep_unplaced)
    rejections = manifest.rejections + labelled.rejections
    rows: list[ManifestRow] = []
    scanned: list[Scanned] = []
    first_of: dict[str, str] = {}
    outcomes = scan_photographs(
        [row.image for row in labelled.rows], max_pixels=max_pixels, pool=pool
    )
    for done, (row, found) in enumerate(zip(labelled.rows, outcomes, strict=True), 1):
        on_progress("look", done, len(labelled.rows))
        if is_opted_out(found.sha256, opted_out):
            rejections.append(Rejection(row.name, "opted_out", str(found.sha256)))
        elif isinstance(found, Unusable):
            rejections.append(Rejection(row.name, found.reason, found.detail))
        elif found.sha256 in first_of and not keep_unplaced:
            detail = f"same bytes as {first_of[found.sha256]}"
            rejections.append(Rejection(row.name, "duplicate_photograph", detail))
        else:
            first_of.setdefault(found.sha256, row.name)
            rows.append(row)
            scanned.append(found)
    used = {row.name for row in rows}
    disagreements = [item for item in labelled.disagreements if item.name in used]
    _check_some(source, rows, rejections)
    photographs = _photographs(manifest)
    return Choice(rows, scanned, rejections, disagreements, photographs, manifest.surplus)


def _photographs(manifest: Manifest) -> int:
    return len(manifest.rows) + len(manifest.rejections)


def _check_some(source: Path, rows: Sequence[ManifestRow], rejections: Sequence[Rejection]) -> None:
    if rows:
        return
    listed = "; ".join(
        f"{row.name}: {row.reason} ({row.detail})" if row.detail else f"{row.name}: {row.reason}"
        for row in rejections[:5]
    )
    raise ManifestError(
        f"not one of the {len(rejections)} photographs of {source} can be used",
        got=listed + (" ..." if len(rejections) > 5 else ""),
        allowed="readable photographs with latitude (-90 to 90) and longitude (-180 to 180)",
    )
