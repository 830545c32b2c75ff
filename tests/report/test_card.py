"""A card says what is known, says unknown where nothing is, and shows nobody's folders."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import yaml

from streetclip.evaluation.result import Result
from streetclip.report.card import model_card
from streetclip.report.card_facts import Card, Training, TrainingData

DATA = TrainingData(
    digest="d" * 64,
    photographs=14_000,
    countries=["US", "FR"],
    towns=1_234,
    looked_at=2_000,
    licences={"CC-BY | 4.0 <b>": 1_500, "not stated": 500},
    sources={"https://me:secret@example.org/set?token=1": 2_000},
)
TRAINING = Training(
    data=DATA,
    template="/home/me/mine.yaml",
    template_digest="e" * 64,
    steps=2_180,
    ema_decay=0.999,
    options={
        "optim": {"lr": 1e-6},
        "model": {"name": "/home/me/tiny.json"},
        "seed": 42,
        "sets": ["/home/me/a", "b"],
    },
)
CARD = Card(
    name="mine",
    reader="transformers",
    weights_digest="a" * 64,
    towers={"activation": "QuickGELU"},
    start="`ViT-B-32` with open_clip's weights `openai`",
    licence="mit",
    licence_source="the repository openai/CLIP",
    training=TRAINING,
)


def _front(card: str) -> dict[str, object]:
    content = yaml.safe_load(card.split("---\n")[1])
    assert isinstance(content, dict)
    return content


def test_data_captions_options_and_licence_are_told() -> None:
    text = model_card(CARD, [])
    for part in (
        "| photographs | 14,000 |",
        "| countries | 2 |",
        "Countries trained on: FR, US.",
        "| caption template | `mine.yaml`, digest `eeeeeeeeeeeeeeee` |",
        "| CC-BY / 4.0 &lt;b&gt; | 1,500 |",
        "| https://example.org/set?... | 2,000 |",
        "averages over the steps (decay 0.999)",
        "| `optim.lr` | `1e-06` |",
        "| `model.name` | `tiny.json` |",
        "| `sets` | `[a, b]` |",
        "Their licence is mit (source: the repository openai/CLIP)",
        "## Out of scope",
        "No results were given.",
    ):
        assert part in text
    assert "/home/me" not in text
    assert "secret" not in text


def test_hubs_find_licence_and_library_in_the_front_matter() -> None:
    front = _front(model_card(CARD, []))
    assert front["license"] == "mit"
    assert front["library_name"] == "transformers"
    assert front["pipeline_tag"] == "zero-shot-image-classification"


@pytest.mark.parametrize(
    ("licence", "name", "sentence"),
    [
        ("unknown", "unknown-check-before-publishing", "unknown: check before publishing"),
        ("own", "yours-to-choose-before-publishing", "whoever publishes it chooses one"),
    ],
)
def test_an_unknown_licence_is_never_guessed(licence: str, name: str, sentence: str) -> None:
    text = model_card(replace(CARD, licence=licence, licence_source=""), [])
    assert _front(text)["license"] == "other"
    assert _front(text)["license_name"] == name
    assert sentence in text


def test_what_nobody_knows_is_said_to_be_unknown() -> None:
    nothing = TrainingData(digest=None, photographs=None, countries=None, towns=None)
    text = model_card(replace(CARD, training=replace(TRAINING, data=nothing)), [])
    for part in ("| shard set digest | unknown |", "| photographs | unknown |", "sources of the"):
        assert part in text


def test_converted_weights_claim_no_training() -> None:
    text = model_card(replace(CARD, reader="open_clip", training=None), [])
    assert "streetclip has only converted these weights" in text
    assert 'create_model_from_pretrained("local-dir:THIS_FOLDER")' in text
    assert "optimizer steps" not in text


def test_results_stand_with_intervals_digests_and_continents(
    make_result: Callable[..., Result],
) -> None:
    text = model_card(CARD, [make_result(40), make_result(20, set_name="im2gps3k")])
    for part in (
        "### val (40 photographs), protocol paper",
        "### IM2GPS3K (partial: 20 of 2,997 photographs), protocol paper",
        "| country | 50.0 % |",
        "| Europe | country | 50.0 % |",
        "| Europe | median error |",
        "Protocol digest `bbbbbbbbbbbbbbbb`",
    ):
        assert part in text
    assert "No results were given." not in text
