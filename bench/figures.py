"""How a bench says a figure: a line to read, and a line of JSON for the table that `run.py` writes.

Every bench calls `report` once for each of its figures, at its end.
"""

import json
import os
from pathlib import Path

JSON_VARIABLE = "STREETCLIP_BENCH_JSON"


def report(
    name: str, what: str, ours: str, peer: str, ratio: float | None, bar: str, ok: bool
) -> None:
    """Print one figure, and append it as a line of JSON where the environment names a file.

    Args:
        name: The bench's command without its folder, as `loader.py --workers 2`.
        what: What was measured, with its unit.
        ours: Our value.
        peer: The peer's or the limit's value with its name, or empty.
        ratio: How many times better than the peer, or how many times a limit; None for no ratio.
        bar: What must hold, in words, or empty where nothing must.
        ok: Whether it holds.
    """
    parts = [f"{name}: {what}: {ours}"]
    parts += [f"peer or limit {peer}"] if peer else []
    parts += [f"ratio {ratio:.3g}"] if ratio is not None else []
    parts += [f"bar {bar}: {'held' if ok else 'MISSED'}"] if bar else []
    print("; ".join(parts), flush=True)
    if file := os.environ.get(JSON_VARIABLE):
        figure = {"name": name, "what": what, "ours": ours, "peer": peer, "ratio": ratio}
        with Path(file).open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(figure | {"bar": bar, "ok": ok}) + "\n")
