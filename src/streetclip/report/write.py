"""What a reader finds in a result folder beside the numbers: a page, Markdown and a map."""

from pathlib import Path

from streetclip.evaluation.result import Result
from streetclip.report.gallery import Picture
from streetclip.report.maps import save_map
from streetclip.report.markdown import markdown
from streetclip.report.page import write_page
from streetclip.shards.layout import write_whole

REPORT_FILE = "report.md"
MAP_FILE = "map.png"


def write_report(result: Result, folder: Path, *, thumbnails: Picture | None = None) -> None:
    """Write `map.png`, `report.md` and `report.html`, each whole or not at all.

    Args:
        result: Of an evaluation.
        folder: Made if it does not exist.
        thumbnails: Gives the bytes of a photograph by its key, for small pictures in the page;
            None shows no pictures, since they may be private.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_map(result, folder / MAP_FILE)
    text = markdown(result) + f"\n![True and predicted points]({MAP_FILE})\n"
    write_whole(folder / REPORT_FILE, text.encode())
    write_page(result, folder, thumbnails=thumbnails)
