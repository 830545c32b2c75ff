"""Known benchmark tables whose columns or folders differ from ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from streetclip.errors import ManifestError
from streetclip.manifest.schema import Columns


@dataclass(frozen=True, slots=True)
class Preset:
    """How one kind of table looks.

    Args:
        forms: Columns that it may have; the first form whose columns are all there is taken.
        marks: Columns that give the kind away when the user names no preset.
        by_id: The image column is an id: the file is found by its name without extension anywhere
            below the folder of the table, for what unpacks into numbered folders.
        country_folders: No table but a folder of folders named by ISO code.
    """

    forms: tuple[Columns, ...] = ()
    marks: tuple[str, ...] = ()
    by_id: bool = False
    country_folders: bool = False


_OWN = Columns(
    "image",
    "latitude",
    "longitude",
    country="country",
    region="region",
    town="town",
    heading="heading",
    month="month",
    licence="licence",
    source="source",
)
_OTHER_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"town": ("city",), "licence": ("license",)}
)
_FILENAME = Columns("filename", "latitude", "longitude")
_IMG_ID = Columns("IMG_ID", "LAT", "LON")
_FLICKR = Preset((_FILENAME, _IMG_ID), marks=("img_id", "filename"), by_id=True)

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "own": Preset((_OWN,), marks=("image",)),
        "im2gps": _FLICKR,
        "im2gps3k": _FLICKR,
        "yfcc4k": _FLICKR,
        "yfcc26k": _FLICKR,
        "osv5m": Preset(
            (
                Columns(
                    "id",
                    "latitude",
                    "longitude",
                    country="country",
                    region="region",
                    town="city",
                ),
            ),
            marks=("sub-region",),
            by_id=True,
        ),
        "country211": Preset(country_folders=True),
    }
)


def find_preset(name: str | None, header: Sequence[str], where: str) -> Preset:
    """The preset that the user names, or the one that the header gives away.

    Args:
        name: One of `PRESETS`, or None.
        header: Columns of the table.
        where: The table, for messages.

    Returns:
        The preset.

    Raises:
        ManifestError: No such preset, or nothing known fits the header.
    """
    if name is not None:
        if name not in PRESETS:
            raise ManifestError("no such preset", got=name, allowed=", ".join(PRESETS))
        if PRESETS[name].country_folders:
            raise ManifestError(
                f"preset {name} is for a folder of folders, and {where} is a table", got=where
            )
        return PRESETS[name]
    known = {column.strip().casefold() for column in header}
    for preset in PRESETS.values():
        if known.intersection(preset.marks):
            return preset
    raise ManifestError(
        f"{where} has no column that names the photographs",
        got=", ".join(header) or "no columns",
        allowed="image, or the columns of a preset: filename, IMG_ID, id with sub-region",
        remedy="rename the column, or choose a preset: " + ", ".join(PRESETS),
    )


def match_columns(
    preset: Preset, header: Sequence[str], declared: Sequence[str], *, where: str
) -> Columns:
    """The columns of a table by their real names; case and blanks around them do not matter.

    Args:
        preset: What is expected.
        header: Columns of the table.
        declared: Further columns that the user asks for.
        where: The table, for messages.

    Returns:
        Real column names; optional ones that are absent are None.

    Raises:
        ManifestError: A needed or declared column is missing, or one stands there twice.
    """
    real: dict[str, str] = {}
    for column in header:
        if real.setdefault(column.strip().casefold(), column) != column or (
            list(header).count(column) > 1
        ):
            raise ManifestError(f"{where} has the column {column.strip()!r} twice", got=header)
    form = _first_whole_form(preset, real, where)
    missing = [name for name in declared if name.strip().casefold() not in real]
    if missing:
        raise ManifestError(
            f"{where} lacks columns that you declare",
            got=", ".join(header),
            allowed=", ".join(missing),
        )

    def find(name: str | None) -> str | None:
        names = () if name is None else (name, *_OTHER_NAMES.get(name, ()))
        return next((real[each.casefold()] for each in names if each.casefold() in real), None)

    image = find(form.image)
    assert image is not None
    optional = ("country", "region", "town", "heading", "month", "licence", "source")
    return Columns(
        image,
        find(form.latitude),
        find(form.longitude),
        **{name: find(getattr(form, name)) for name in optional},
        declared=tuple(real[name.strip().casefold()] for name in declared),
    )


def _first_whole_form(preset: Preset, real: Mapping[str, str], where: str) -> Columns:
    for form in preset.forms:
        if all(name and name.casefold() in real for name in _needed(form)):
            return form
    best = max(preset.forms, key=lambda form: sum(str(n).casefold() in real for n in _needed(form)))
    missing = [str(name) for name in _needed(best) if str(name).casefold() not in real]
    noun = "column" if len(missing) == 1 else "columns"
    raise ManifestError(
        f"{where} lacks the {noun} {', '.join(missing)}",
        got=", ".join(real.values()),
        allowed=", ".join(str(name) for name in _needed(best)),
        remedy="add coordinates, or give a folder of photographs with EXIF GPS",
    )


def _needed(form: Columns) -> tuple[str | None, ...]:
    return (form.image, form.latitude, form.longitude)
