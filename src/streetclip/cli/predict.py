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
        help="photographs, folders of them, or tables with a column image",
    )
    parser.add_argument(
        "--model", required=True, help="a checkpoint, or an open_clip model as NAME:TAG_OR_PATH"
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
    photographs = [photograph for source in arguments.source for photograph in find(source)]
    from streetclip.build.benchmark import questions_for
    from streetclip.evaluation.predict import predict

    model, questions = questions_for(arguments.model, arguments.protocol)
    answers = list(predict(model, photographs, questions, top_k=arguments.top))
    rows = [_row(answer, arguments.abstain) for answer in answers]
    _print(rows)
    if arguments.out is not None:
        _write(rows, arguments.out)
        print(f"{len(rows)} answers in {arguments.out}")
    return 0


def find(source: Path) -> list[Path]:
    """The photographs that a source names, without asking where they were taken."""
    from streetclip.manifest.folder import find_photographs

    if source.is_dir():
        found = find_photographs(source)
    elif source.suffix.lower() == ".csv" and source.is_file():
        with source.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        if rows and "image" not in rows[0]:
            raise ManifestError(f"{source} has no column image", got=", ".join(rows[0]))
        found = [source.parent / row["image"] for row in rows if row["image"]]
    elif source.is_file():
        found = [source]
    else:
        raise ManifestError(f"no such photograph, folder or table: {source}")
    if not found:
        raise ManifestError(f"no photographs in {source}")
    return found


def _row(answer: Prediction | Rejection, abstain: float) -> dict[str, Any]:
    if isinstance(answer, Rejection):
        return {"key": answer.name, "error": f"{answer.reason} {answer.detail}".strip()}
    row = asdict(answer)
    row["alternatives"] = [list(other) for other in answer.alternatives]
    row["abstained"] = answer.country_probability < abstain
    if row["abstained"]:
        for name in ("country", "region", "city", "latitude", "longitude", "city_probability"):
            row[name] = None
    return row


def _print(rows: Sequence[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("photograph", "country", "p", "place", "p", "latitude", "longitude", "or")
    for row in rows:
        name = Path(row["key"]).name
        if "error" in row:
            table.add_row(name, row["error"])
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
    console = Console()
    # In a file or a pipe nothing needs to fit a window.
    (console if console.is_terminal else Console(width=160)).print(table)


def _write(rows: Sequence[dict[str, Any]], out: Path) -> None:
    if out.suffix == ".jsonl":
        out.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
        return
    names = list(dict.fromkeys(name for row in rows for name in row))
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            flat = {**row, "alternatives": json.dumps(row.get("alternatives", []))}
            writer.writerow(flat)
