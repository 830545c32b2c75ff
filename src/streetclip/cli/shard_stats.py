"""What `streetclip shards stats` prints."""

from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from streetclip.captions.synthesize import synthesize
from streetclip.captions.template import load_template
from streetclip.errors import SampleError
from streetclip.geo.countries import countries
from streetclip.shards.stats import ShardStats, stats


def show(folder: Path | str, template: str) -> None:
    """Print the figures of a shard set, and captions of some of its samples.

    Args:
        folder: A shard set, or the folder of its splits; may be a URL.
        template: Of the captions.
    """
    chosen = load_template(template)
    console = Console()
    for part in stats(folder):
        console.print(_figures(part))
        console.print(_countries(part))
        rng = np.random.Generator(np.random.Philox(0))
        for columns in part.examples:
            console.print(f"  {_caption(chosen, dict(columns), rng)}", markup=False)


def _figures(part: ShardStats) -> Table:
    table = Table(title=part.name, show_header=False)
    table.add_row("photographs", f"{part.samples:,}")
    table.add_row("shards", f"{part.shards:,}")
    table.add_row("size", f"{part.bytes / 2**20:,.1f} MiB")
    table.add_row("countries", str(len(part.countries)))
    table.add_row("regions, towns", f"{part.regions}, {part.towns}")
    for name, values in (("width", part.width_px), ("height", part.height_px)):
        quantiles = " / ".join(f"{value:.0f}" for value in values)
        table.add_row(f"{name}, px (0/5/50/95/100 %)", quantiles)
    for name, share in part.known.items():
        table.add_row(f"{name} known", f"{100 * share:.0f} %")
    if part.unreadable:
        table.add_row("unreadable", f"{part.unreadable} of {part.looked_at} looked at")
    return table


def _countries(part: ShardStats) -> Table:
    table = Table("country", "name", "photographs")
    for code, count in part.countries.items():
        name = countries()[code].name if code in countries() else ""
        table.add_row(code, name, f"{count:,}")
    return table


def _caption(template: Any, columns: dict[str, Any], rng: np.random.Generator) -> str:
    try:
        return synthesize(template, columns, rng)
    except SampleError as error:
        return f"no caption: {error}"
