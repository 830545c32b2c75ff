"""What a reader finds in a result folder beside the numbers: `report.md` and a map."""

from pathlib import Path

from streetclip.evaluation.result import Result
from streetclip.report.maps import save_map
from streetclip.report.tables import markdown
from streetclip.shards.layout import write_whole

REPORT_FILE = "report.md"
MAP_FILE = "map.png"


def write_report(result: Result, folder: Path) -> None:
    """Write `map.png` and `report.md`, each whole or not at all.

    Args:
        result: Of an evaluation.
        folder: Made if it does not exist.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_map(result, folder / MAP_FILE)
    text = markdown(result) + f"\n![True and predicted points]({MAP_FILE})\n"
    write_whole(folder / REPORT_FILE, text.encode())
