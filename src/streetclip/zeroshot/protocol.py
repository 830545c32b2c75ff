"""A protocol is data: which places are asked for, in which words, and what counts as near."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType

from streetclip.errors import ProtocolError
from streetclip.geo.countries import countries, countries_digest
from streetclip.geo.simplemaps import CityTable
from streetclip.zeroshot.document import read_document, shipped_protocols, taken_apart
from streetclip.zeroshot.parse import parse_protocol
from streetclip.zeroshot.settings import (
    DECODINGS,
    Beam,
    CitySelection,
    Distance,
    Expected,
    Regions,
    Rule,
)

__all__ = [
    "Beam",
    "CitySelection",
    "Distance",
    "Expected",
    "Protocol",
    "Regions",
    "Rule",
    "gazetteer_digest",
    "load_protocol",
    "shipped_protocols",
]

# Raised when the same file would ask other prompts, or decode otherwise, than before.
PROTOCOL_VERSION = 2


@dataclass(frozen=True)
class Protocol:
    """A checked protocol.

    Args:
        name: Name of the file without its extension.
        description: What it is for, in a sentence.
        countries: ISO codes in the order in which they are asked; it decides ties.
        all_countries: Whether the file says ``all``: then a country without a town is left out,
            otherwise it is a problem.
        country_prompts: Patterns with ``{country}``; several are averaged.
        city_prompts: Patterns with ``{city}``, ``{region}``, ``{country}``; several are averaged.
        names: Code to the name that prompts use in place of the country table's.
        articles: Whether names take "the" where English asks for it.
        cities: Which cities are candidates.
        regions: Where regions are asked for.
        decoding: How an answer is chosen; ``greedy`` is arg-max country, then arg-max city.
        beam: Of the decoding ``beam``: the likeliest city of the best countries.
        expected: Of the decoding ``expected``: the point with the least expected loss.
        half_precision: Whether features and scores are rounded to fp16.
        distance: What counts as near.
        table: The user's table of cities; None is the one of this package.
        defects: Names of the defects of the public reproduction that the file switches on; the
            settings above hold what they do.
    """

    name: str
    description: str
    countries: tuple[str, ...]
    all_countries: bool
    country_prompts: tuple[str, ...]
    city_prompts: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    articles: bool = True
    cities: CitySelection = field(default_factory=CitySelection)
    regions: Regions = field(default_factory=Regions)
    decoding: str = "greedy"
    beam: Beam = field(default_factory=Beam)
    expected: Expected = field(default_factory=Expected)
    half_precision: bool = False
    distance: Distance = field(default_factory=Distance)
    table: CityTable | None = None
    defects: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """How an answer is chosen."""
        countries = {"greedy": 1, "beam": self.beam.countries, "expected": self.expected.countries}
        return Rule(
            kind=self.decoding,
            countries=countries[self.decoding],
            loss=self.expected.loss if self.decoding == "expected" else "distance",
            half_precision=self.half_precision,
            radius_km=self.distance.radius_km,
        )

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
            "regions": asdict(self.regions),
            "rule": asdict(self.rule),
            "distance": asdict(self.distance),
            "tables": self._tables(),
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

    def _tables(self) -> list[str]:
        """Digests of the tables that places come from."""
        if self.table is None:
            return [countries_digest(), gazetteer_digest()]
        ours = [gazetteer_digest()] if self.cities.fill else []
        return [countries_digest(), self.table.digest, *ours]


@cache
def gazetteer_digest() -> str:
    """A digest of the table of towns that this package ships."""
    table = resources.files("streetclip.geo.tables") / "gazetteer.parquet"
    return hashlib.sha256(table.read_bytes()).hexdigest()


def load_protocol(
    name_or_path: str, *, cities: Path | str | None = None, decoding: str | None = None
) -> Protocol:
    """Read a protocol and check all of it.

    Args:
        name_or_path: Name of a shipped protocol, or path of a YAML file; ``+DECODING`` and
            ``@TABLE`` may stand behind it and do what the other two arguments do.
        cities: A CSV of SimpleMaps World Cities in place of the file's own table of cities.
        decoding: One of ``greedy``, ``beam``, ``expected`` in place of the file's own.

    Returns:
        The protocol; its candidates are made by `candidates.build_candidates`.

    Raises:
        ProtocolError: With every problem of the file.

    Example:
        >>> load_protocol("paper").country_prompts
        ('A Street View photo in {country}.',)
        >>> len(load_protocol("paper").countries)
        193
        >>> load_protocol("paper+beam").rule.countries
        10
    """
    asked = taken_apart(name_or_path)
    table = asked.table if cities is None else Path(cities)
    kind = asked.decoding if decoding is None else decoding
    document = read_document(asked.base)
    content = document.content
    if isinstance(content, dict):
        content = content if kind is None else _with_decoding(content, kind)
        content = content if table is None else _with_table(content, table)
    values, problems = parse_protocol(content, folder=document.folder)
    if problems:
        raise ProtocolError(name_or_path, problems)
    sections = {"cities": CitySelection, "regions": Regions, "distance": Distance}
    sections |= {"beam": Beam, "expected": Expected}
    for key, section in sections.items():
        values[key] = section(**values.get(key, {}))
    return Protocol(name=document.name, **values)


def _with_decoding(content: Mapping[str, object], decoding: str) -> dict[str, object]:
    """A file that decodes otherwise; what it says of other decodings does not count then."""
    kept = {k: v for k, v in content.items() if k not in DECODINGS or k == decoding}
    return {**kept, "decoding": decoding}


def _with_table(content: Mapping[str, object], table: Path) -> dict[str, object]:
    cities = content.get("cities")
    cities = cities if isinstance(cities, dict) else {}
    # Relative to where the user is, not to where the file lies.
    return {**content, "cities": {**cities, "table": str(table.absolute())}}
