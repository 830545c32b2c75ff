"""The digest of a protocol changes with what decides answers, and with nothing else."""

from dataclasses import replace
from pathlib import Path

import pytest

from streetclip.zeroshot.protocol import (
    Beam,
    CitySelection,
    Distance,
    Expected,
    Protocol,
    Regions,
    load_protocol,
)

GOOD = """
countries: [FR, NO, Netherlands]
country_prompts: A photo in {country}.
city_prompts: ["A photo of {city}.", "A photo of {city}, {country}."]
"""


def write(folder: Path, text: str) -> str:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_digest_follows_what_decides_answers(tmp_path: Path) -> None:
    protocol = load_protocol(write(tmp_path, GOOD))
    assert replace(protocol, name="other", description="else").digest == protocol.digest
    changed: list[Protocol] = [
        replace(protocol, countries=("FR", "NL", "NO")),
        replace(protocol, names={"FR": "Gaul"}),
        replace(protocol, articles=False),
        replace(protocol, cities=CitySelection(spacing_km=1.0)),
        replace(protocol, distance=Distance(inclusive=False)),
        replace(protocol, regions=Regions(stage=True)),
        replace(protocol, decoding="beam"),
        replace(protocol, decoding="beam", beam=Beam(countries=3)),
        replace(protocol, decoding="expected"),
        replace(protocol, decoding="expected", expected=Expected(loss="geoscore")),
        replace(protocol, half_precision=True),
    ]
    assert len({protocol.digest, *(other.digest for other in changed)}) == len(changed) + 1


def test_settings_of_another_decoding_do_not_change_the_digest(tmp_path: Path) -> None:
    protocol = load_protocol(write(tmp_path, GOOD))
    assert replace(protocol, beam=Beam(countries=3)).digest == protocol.digest


def test_the_digest_follows_the_tables_of_places(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = load_protocol(write(tmp_path, GOOD))
    before = protocol.digest
    monkeypatch.setattr("streetclip.zeroshot.protocol.gazetteer_digest", lambda: "another table")
    assert protocol.digest != before
