"""A protocol is data: which places are asked for, in which words, and what counts as near."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import yaml

from streetclip.errors import ProtocolError
from streetclip.geo.countries import countries, countries_digest
from streetclip.zeroshot.parse import parse_protocol

# Raised when the same file would ask other prompts, or decode otherwise, than before.
PROTOCOL_VERSION = 1


@dataclass(frozen=True, slots=True)
class CitySelection:
    """Which cities of a country are candidates.

    Args:
        per_country: At most so many, the most populous first.
        total: At most so many in all countries together, or None; each country keeps one, the
            others go by the square root of a country's number of towns.
        spacing_km: A city nearer than this to a more populous candidate is passed over.
        unique_names: Whether a city whose name is taken within the country is passed over.
    """

    per_country: int = 30
    total: int | None = None
    spacing_km: float = 0.0
    unique_names: bool = True


@dataclass(frozen=True, slots=True)
class Distance:
    """What counts as near.

    Args:
        radius_km: Radius of the sphere that distances are measured on.
        inclusive: Whether a photograph exactly at a radius counts as within it.
        geoscore_rounded: Whether the GeoScore of each photograph is rounded to a whole number.
    """

    radius_km: float = 6371.0088
    inclusive: bool = True
    geoscore_rounded: bool = False


@dataclass(frozen=True)
class Protocol:
    """A checked protocol.

    Args:
        name: Name of the file without its extension.
        description: What it is for, in a sentence.
        countries: ISO codes in the order in which they are asked; it decides ties.
        all_countries: Whether the file says ``all``: then a country without a town is left out,
            otherwise it is a problem.
        names: Code to the name that prompts use in place of the country table's.
        articles: Whether names take "the" where English asks for it.
        country_prompts: Patterns with ``{country}``; several are averaged.
        city_prompts: Patterns with ``{city}``, ``{region}``, ``{country}``; several are averaged.
        cities: Which cities are candidates.
        decoding: How an answer is chosen; ``greedy`` is arg-max country, then arg-max city.
        distance: What counts as near.
    """

    name: str
    description: str
    countries: tuple[str, ...]
    all_countries: bool
    country_prompts: tuple[str, ...]
    city_prompts: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    articles: bool = True
    cities: CitySelection = CitySelection()
    decoding: str = "greedy"
    distance: Distance = Distance()

    @property
    def digest(self) -> str:
        """SHA-256 over everything that decides an answer, the tables of places included.

        The name and the description of a protocol do not change it.
        """
        content = {
            "version": PROTOCOL_VERSION,
            "countries": self.countries,
            "all_countries": self.all_countries,
            "country_prompts": self.country_prompts,
            "city_prompts": self.city_prompts,
            "names": dict(sorted(self.names.items())),
            "articles": self.articles,
            "cities": asdict(self.cities),
            "decoding": self.decoding,
            "distance": asdict(self.distance),
            "tables": [countries_digest(), gazetteer_digest()],
        }
        text = json.dumps(content, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def country_name(self, code: str) -> str:
        """What prompts call a country.

        Args:
            code: One of `countries`.

        Returns:
            Its name, with an article where the protocol wants one.
        """
        if code in self.names:
            return self.names[code]
        country = countries()[code]
        return country.phrase if self.articles else country.name


@cache
def gazetteer_digest() -> str:
    """A digest of the table of towns that this package ships."""
    table = resources.files("streetclip.geo.tables") / "gazetteer.parquet"
    return hashlib.sha256(table.read_bytes()).hexdigest()


def shipped_protocols() -> list[str]:
    """Names of the protocols that come with the package.

    Example:
        >>> shipped_protocols()
        ['paper', 'quickstart', 'streetclip']
    """
    folder = resources.files("streetclip.zeroshot") / "protocols"
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return sorted(name.removesuffix(".yaml") for name in names)


def load_protocol(name_or_path: str) -> Protocol:
    """Read a protocol and check all of it.

    Args:
        name_or_path: Name of a shipped protocol, or path of a YAML file.

    Returns:
        The protocol; its candidates are made by `candidates.build_candidates`.

    Raises:
        ProtocolError: With every problem of the file.

    Example:
        >>> load_protocol("paper").country_prompts
        ('A Street View photo in {country}.',)
        >>> len(load_protocol("paper").countries)
        193
    """
    name, text, folder = _read(name_or_path)
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        raise ProtocolError(name_or_path, [f"it is no YAML: {error}"]) from error
    values, problems = parse_protocol(document, folder=folder)
    if problems:
        raise ProtocolError(name_or_path, problems)
    return Protocol(
        name=name,
        cities=CitySelection(**values.pop("cities", {})),
        distance=Distance(**values.pop("distance", {})),
        **values,
    )


class _Loader(yaml.SafeLoader):
    """YAML in which Norway's code NO is text: only true and false are truth values."""


_Loader.yaml_implicit_resolvers = {
    letter: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag != "tag:yaml.org,2002:bool" or letter in "tTfF"
    ]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _read(name_or_path: str) -> tuple[str, str, Path]:
    if name_or_path in shipped_protocols():
        entry = resources.files("streetclip.zeroshot") / "protocols" / f"{name_or_path}.yaml"
        return name_or_path, entry.read_text(encoding="utf-8"), Path()
    path = Path(name_or_path)
    if not path.is_file():
        raise ProtocolError(name_or_path, [_not_found(name_or_path)])
    try:
        return path.stem, path.read_text(encoding="utf-8"), path.parent
    except UnicodeDecodeError as error:
        raise ProtocolError(name_or_path, [f"it is not UTF-8: {error}"]) from error


def _not_found(name: str) -> str:
    near = get_close_matches(name, shipped_protocols(), 1)
    hint = f"; did you mean '{near[0]}'?" if near else ""
    return f"no such file, and shipped are only {', '.join(shipped_protocols())}{hint}"
