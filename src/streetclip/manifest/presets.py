"""Known benchmark sets whose columns or folders differ from ours."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from streetclip.errors import ManifestError
from streetclip.manifest.schema import Columns


@dataclass(frozen=True, slots=True)
class Preset:
    """How one kind of source looks.

    Args:
        forms: Columns that it may have; the first form whose columns are all there is taken.
        marks: Columns that give the kind away when the user names no preset.
        by_id: The image column is an id: the file is found by its name without extension anywhere
            below the folder of the table, for what unpacks into numbered folders.
        country_folders: No table but a folder of folders named by ISO code.
        tables: What the name of its table begins with; of a set that is known by name, another
            set's table is not taken.
        folders: Where its photographs lie, seen from the folder that the user gives; the first
            that exists is taken, else that folder itself.
        tree: What is expected to lie where, drawn for a message.
        per_folder: Photographs in each folder of a country, if the set has a fixed number.
    """

    forms: tuple[Columns, ...] = ()
    marks: tuple[str, ...] = ()
    by_id: bool = False
    country_folders: bool = False
    tables: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    tree: str = ""
    per_folder: int | None = None


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
_FLICKR_TREE = """\
  PATH/
    {table}*.csv    filename,latitude,longitude or IMG_ID,LAT,LON; here, in meta/ or metadata/,
                    beside PATH, or itself given as PATH
    {folder}/*.jpg  the photographs by the names of the table, in a folder of this name, in images/,
                    or in PATH and its subfolders"""


def _flickr(table: str, *folders: str) -> Preset:
    return Preset(
        (_FILENAME, _IMG_ID),
        marks=("img_id", "filename"),
        by_id=True,
        tables=(table, *folders),
        folders=(*folders, "images"),
        tree=_FLICKR_TREE.format(table=table, folder=folders[0]),
    )


_OWN_TREE = """\
  PATH.csv      image,latitude,longitude and further columns (also .tsv, .parquet)
  images/*.jpg  wherever the column image says, seen from the table"""
_OWN_PRESET = Preset((_OWN,), marks=("image",), tree=_OWN_TREE)
_FOLDER_TREE = """\
  PATH/
    *.jpg         photographs with GPS in their EXIF, also in subfolders"""
_OSV5M_TREE = """\
  PATH/
    test.csv              id,latitude,longitude,...,region,sub-region,city,country
    images/test/NN/ID.jpg
  or, of the ready WebDataset shards,
  PATH/
    test/NNNN.tar         (or the tars in PATH itself)"""
_COUNTRY211_TREE = """\
  PATH/         the folder country211, its folder test, or what country211 lies in
    AD/*.jpg    100 photographs in each of 211 folders named by country code
    AE/*.jpg"""

PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "own": _OWN_PRESET,
        "im2gps": _flickr("im2gps", "im2gps"),
        "im2gps3k": _flickr("im2gps3k", "im2gps3k", "im2gps3ktest", "im2gps3k_rgb_images"),
        "yfcc4k": _flickr("yfcc4k", "yfcc4k"),
        "yfcc26k": _flickr("yfcc26k", "yfcc26k", "yfcc25600"),
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
            tables=("test",),
            folders=("images/test", "test", "images"),
            tree=_OSV5M_TREE,
        ),
        "country211": Preset(
            country_folders=True,
            folders=("country211/test", "test"),
            tree=_COUNTRY211_TREE,
            per_folder=100,
        ),
        "folder": Preset(tree=_FOLDER_TREE),
        "csv": _OWN_PRESET,
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
        return named_preset(name)
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


def named_preset(name: str) -> Preset:
    """The preset of a name.

    Args:
        name: One of `PRESETS`.

    Returns:
        The preset.

    Raises:
        ManifestError: No such preset.
    """
    if name not in PRESETS:
        raise ManifestError("no such preset", got=name, allowed=", ".join(PRESETS))
    return PRESETS[name]


def has_columns(preset: Preset, header: Sequence[str]) -> bool:
    """Whether a table has the columns that one form of a preset needs.

    Args:
        preset: What is expected.
        header: Columns of the table.

    Returns:
        True where it has.
    """
    known = {column.strip().casefold() for column in header}
    return any(known.issuperset(str(n).casefold() for n in _needed(form)) for form in preset.forms)


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
