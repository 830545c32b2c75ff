"""Rows of a table of photographs that cannot be used, and the reason of each.

`BAD_ROWS` lists them, as lines of a CSV with the header `HEADER` whose first line is `GOOD_ROW`;
`good.jpg` lies beside the table, and everything else is not there.
"""

from dataclasses import dataclass

HEADER = "image,latitude,longitude,country,region,town,heading,month,licence"
GOOD_ROW = "good.jpg,48.85,2.35,FR,,,,,"


@dataclass(frozen=True)
class BadRow:
    """One line of a table.

    Args:
        name: What it is, as an id of a test.
        line: As it stands in the CSV.
        reason: The code with which it is rejected.
    """

    name: str
    line: str
    reason: str


def _row(name: str, reason: str, image: str = "good.jpg", place: str = "48.85,2.35",
         rest: str = "FR,,,,,") -> BadRow:  # fmt: skip
    return BadRow(name, f"{image},{place},{rest}", reason)


BAD_ROWS = (
    _row("no-latitude", "no_coordinates", place=",2.35"),
    _row("nan", "no_coordinates", place="NaN,2.35"),
    _row("null", "no_coordinates", place="null,null"),
    _row("latitude-95", "impossible_latitude", place="95,2.35"),
    _row("longitude-181", "impossible_longitude", place="48.85,-181"),
    _row("endless", "impossible_latitude", place="inf,2.35"),
    _row("zero-zero", "zero_coordinates", place="0,0.0"),
    _row("words", "bad_latitude", place="north,2.35"),
    _row("decimal-comma", "bad_longitude", place='48.85,"2,35"'),
    _row("degrees-and-minutes", "bad_latitude", place='"48°51\'24""N",2.35'),
    _row("underscore", "bad_latitude", place="4_8.85,2.35"),
    _row("unknown-country", "unknown_country", rest="Atlantis,,,,,"),
    _row("country-as-number", "unknown_country", rest="250.0,,,,,"),
    _row("newline-in-town", "newline_in_text", rest='FR,,"Par\nis",,,'),
    _row("line-separator-in-region", "newline_in_text", rest="FR,Bre\u2028tagne,,,,"),
    _row("nul-in-town", "newline_in_text", rest="FR,,Par\x00is,,,"),
    _row("long-town", "text_too_long", rest=f"FR,,{'x' * 5000},,,"),
    _row("town-of-10-megabytes", "text_too_long", rest=f"FR,,{'x' * 10_000_000},,,"),
    _row("long-licence", "text_too_long", rest=f"FR,,,,,{'x ' * 2500}"),
    _row("month-13", "bad_month", rest="FR,,,,13,"),
    _row("month-and-a-half", "bad_month", rest="FR,,,,1.5,"),
    _row("month-in-words", "bad_month", rest="FR,,,,May,"),
    _row("heading-361", "bad_heading", rest="FR,,,361,,"),
    _row("heading-in-words", "bad_heading", rest="FR,,,north,,"),
    _row("no-image", "no_image", image=""),
    _row("missing-file", "missing_file", image="gone.jpg"),
    _row("folder-as-file", "missing_file", image="."),
    _row("path-above", "path_outside_folder", image="../above.jpg"),
    _row("path-above-inside", "path_outside_folder", image="a/../../above.jpg"),
    _row("absolute-path", "path_outside_folder", image="/etc/passwd"),
    _row("url", "not_a_file", image="https://example.org/a.jpg"),
    _row("nul-in-path", "newline_in_text", image="good\x00.jpg"),
    BadRow("too-few-cells", "good.jpg,48.85", "malformed_row"),
    BadRow("too-many-cells", "good.jpg,48.85,2.35,FR,,,,,,,,", "malformed_row"),
    _row("the-same-file-again", "duplicate_row", image="./good.jpg"),
)
"""Each is rejected with its reason, whatever stands in the other lines."""
