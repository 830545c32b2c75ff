"""`streetclip predict`: say where photographs were taken."""

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from streetclip.errors import InputError, ManifestError
from streetclip.records import Prediction, Rejection


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "source",
        type=Path,
        nargs="+",
        metavar="IMAGE|FOLDER|CSV",
        help="photographs, folders of them, or tables (.csv, .parquet) with a column image",
    )
    parser.add_argument(
        "--model",
        required=True,
        help="a checkpoint or its URL, hf:FOLDER, or open_clip:NAME:TAG_OR_PATH",
    )
    parser.add_argument("--protocol", default="streetclip", help="a name or a YAML file")
    parser.add_argument("--top", type=int, default=5, help="countries to tell (default 5)")
    parser.add_argument(
        "--abstain",
        type=float,
        default=0.0,
        metavar="P",
        help="give no place where the country's probability is below this",
    )
    parser.add_argument("--out", type=Path, help="write answers to a .jsonl or .csv file")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict, print a table, and write a file if asked to."""
    if arguments.out is not None and arguments.out.suffix not in (".jsonl", ".csv"):
        raise InputError(f"--out {arguments.out}", allowed="a name ending in .jsonl or .csv")
    if not 0.0 <= arguments.abstain <= 1.0 or arguments.top < 1:
        raise InputError("--abstain is 0 to 1, and --top is 1 or more")
    if arguments.out is not None:
        from streetclip.shards.output import check_file

        check_file(arguments.out, "--out", is_ours=_is_answers)
    found = [photograph for source in arguments.source for photograph in find(source)]
    photographs = [photograph for photograph in found if isinstance(photograph, Path)]
    from streetclip.build.benchmark import questions_for
    from streetclip.cli.console import show_log
    from streetclip.evaluation.predict import predict

    show_log()
    model, questions = questions_for(arguments.model, arguments.protocol)
    answers = predict(model, photographs, questions, top_k=arguments.top)
    rows = [
        _row(next(answers) if isinstance(item, Path) else item, arguments.abstain) for item in found
    ]
    _print(rows)
    if arguments.out is not None:
        _write(rows, arguments.out)
        print(f"{len(rows)} photographs in {arguments.out}")
    return 0


def find(source: Path) -> list[Path | Rejection]:
    """The photographs that a source names, without asking where they were taken.

    Args:
        source: A photograph, a folder of them, or a table with a column `image`.

    Returns:
        Paths, and rows of a table that name no photograph.

    Raises:
        ManifestError: There is no photograph.
    """
    from streetclip.manifest.folder import find_photographs
    from streetclip.manifest.table import TABLE_SUFFIXES

    found: list[Path | Rejection]
    if source.is_dir():
        found = list(find_photographs(source))
    elif source.is_file() and source.suffix.lower() in TABLE_SUFFIXES:
        found = _listed(source)
    elif source.is_file():
        found = [source]
    else:
        raise ManifestError(f"no such photograph, folder or table: {source}")
    if not found:
        raise ManifestError(f"no photographs in {source}")
    return found


def _listed(table: Path) -> list[Path | Rejection]:
    from streetclip.manifest.table import read_header, read_rows

    header = read_header(table)
    name = next((name for name in header if name.strip().casefold() == "image"), None)
    if name is None:
        raise ManifestError(f"{table} has no column image", got=", ".join(header))
    found: list[Path | Rejection] = []
    for row in read_rows(table, [name]):
        if row.cells is None:
            detail = "its number of cells is not the header's"
            found.append(Rejection(f"{table.name} {row.label}", "malformed_row", detail))
        elif not (image := str(row.cells[0] or "").strip()):
            found.append(Rejection(f"{table.name} {row.label}", "no_image", "the cell is empty"))
        else:
            found.append(table.parent / image)
    return found


def _row(answer: Prediction | Rejection, abstain: float) -> dict[str, Any]:
    if isinstance(answer, Rejection):
        return {"key": answer.name, "error": f"{answer.reason}: {answer.detail}".strip(": ")}
    row = asdict(answer)
    row["alternatives"] = [list(other) for other in answer.alternatives]
    row["abstained"] = answer.country_probability < abstain
    if row["abstained"]:
        for name in ("country", "region", "city", "latitude", "longitude", "city_probability"):
            row[name] = None
    return row


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from rich.markup import escape
    from rich.table import Table

    from streetclip.cli.console import table_console

    table = Table("photograph", "country", "p", "place", "p", "latitude", "longitude", "or")
    for row in rows:
        name = escape(Path(row["key"]).name)  # rich takes words in [brackets] for styles
        if "error" in row:
            table.add_row(name, escape(row["error"]))
            continue
        others = ", ".join(f"{code} {share:.2f}" for code, share in row["alternatives"])
        probability = f"{row['country_probability']:.2f}"
        if row["abstained"]:
            table.add_row(name, "abstains", probability, "", "", "", "", others)
            continue
        place = ", ".join(part for part in (row["city"], row["region"]) if part)
        point = (f"{row['latitude']:.3f}", f"{row['longitude']:.3f}")
        shown = (row["country"], probability, place, f"{row['city_probability']:.2f}", *point)
        table.add_row(name, *shown, others)
    table_console().print(table)


def _is_answers(begin: bytes) -> bool:
    """Whether a file begins as the answers that this command writes."""
    return begin.startswith((b'{"key": ', b"key,")) or not begin


def _write(rows: Sequence[dict[str, Any]], out: Path) -> None:
    if out.suffix == ".jsonl":
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        out.write_text(lines, encoding="utf-8")
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            flat = {**row, "alternatives": json.dumps(row.get("alternatives", []))}
            writer.writerow(flat)
