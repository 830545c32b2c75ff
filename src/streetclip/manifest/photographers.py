"""Who took the photographs of a benchmark set, so that one person's count as one cluster."""

import hashlib
import re
from collections.abc import Mapping, Sequence

from streetclip.manifest.schema import Cell

# The column of a sample, and what tables call it, in lower case.
PHOTOGRAPHER = "photographer"
PHOTOGRAPHER_COLUMNS = (PHOTOGRAPHER, "author", "creator_id", "creator_username")
# Names of IM2GPS and IM2GPS3K end in the Flickr account that the photograph belongs to.
_FLICKR_ACCOUNT = re.compile(r"_(\d+@N\d\d)(?:\.[A-Za-z]+)?$")
_DIGITS = 16
_MISSING = frozenset({"", "nan", "none", "null"})


def photographer_column(header: Sequence[str]) -> str | None:
    """The column of a table that names photographers.

    Args:
        header: Columns of the table.

    Returns:
        Its name as it stands there, or None.

    Example:
        >>> photographer_column(["IMG_ID", "AUTHOR", "LAT", "LON"])
        'AUTHOR'
    """
    known = {column.strip().casefold(): column for column in reversed(header)}
    return next((known[name] for name in PHOTOGRAPHER_COLUMNS if name in known), None)


def photographer_of(
    cells: Mapping[str, Cell], name: str, *, column: str | None = None
) -> dict[str, str]:
    """A photographer as a column of a sample: a digest, since who it is matters to nobody.

    Args:
        cells: Of a row of the table.
        name: What the table calls the photograph; Flickr accounts stand in some.
        column: From `photographer_column`.

    Returns:
        ``photographer`` with 16 hexadecimal digits, or nothing where nobody knows.

    Example:
        >>> photographer_of({}, "1000269685_e60e9cdfb4_1125_78841376@N00.jpg")
        {'photographer': '56751e9c8cf4b65b'}
        >>> photographer_of({"AUTHOR": None}, "1.jpg", column="AUTHOR")
        {}
    """
    cell = None if column is None else cells.get(column)
    text = "" if cell is None else str(cell).strip()
    if text.casefold() in _MISSING:
        account = _FLICKR_ACCOUNT.search(name)
        if account is None:
            return {}
        text = account[1]
    return {PHOTOGRAPHER: hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}
