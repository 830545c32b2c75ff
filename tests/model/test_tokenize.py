"""Tokens are those of open_clip, and the tokenizer is cheap to send."""

import logging
import pickle
from pathlib import Path

import numpy as np
import open_clip
import pytest
import torch
from open_clip.tokenizer import SimpleTokenizer
from torch.nn import functional as F

from streetclip.captions.synthesize import synthesize
from streetclip.captions.template import Template, load_template, shipped_templates
from streetclip.geo.gazetteer import load_gazetteer
from streetclip.model.backbone import Backbone
from streetclip.model.tokenize import by_words, merge

# What a cleaner may change: entities, mixed-up encodings, marks, widths, ligatures, controls, and
# capitals whose small form depends on their neighbors.
ODD = [
    *("&amp;", "&", "amp;lt;", "&eacute;", "&nbsp;", "&#x20;", "&lt", ";", "<", "<end_of_text>"),
    *("Ã©", "Ã", "Â", "â€", "œ", "Å", "“", "’", "ﬁ", "Ｆｏｉｘ", "　", "\xa0", "\u0301", "e\u0301"),
    *("ΑΣ", "Σ", "ΟΔΟΣ", "ß", "İ", "Ж", "Москва", "東京", "ﷺ", "🏠", "\u200d", "\ufeff", "\x7f"),
    *("\x1b[0m", "\x85", "\u2028", "\ud800", "'", "'s", "'LL", "-", ".", "(", ")", "½", "²", "9"),
]
PLAIN = ["A", "Street", "view", "of", "Foix", "São", "Paulo", "Łódź", "Île-de-France", "L'Aquila"]


def test_tokens_are_those_of_open_clip_up_to_padding(tiny: Backbone) -> None:
    captions = ["a street in France", "Saint-Denis, Réunion & more", ""]
    reference = open_clip.tokenize(captions, context_length=40)
    tokens = tiny.tokenize(captions)
    assert tokens.shape[1] % 8 == 0
    assert torch.equal(F.pad(tokens, (0, 40 - tokens.shape[1])), reference)


def test_a_caption_beyond_the_context_is_cut_as_open_clip_cuts_it_and_said_once(
    tiny: Backbone, caplog: pytest.LogCaptureFixture
) -> None:
    captions = ["hello " * 60, "street " * 50]
    with caplog.at_level(logging.WARNING):
        tokens = tiny.tokenize(captions)
    assert torch.equal(tokens, open_clip.tokenize(captions, context_length=40))
    assert len(caplog.records) == 1
    assert "62 tokens is cut at 40" in caplog.text


def test_the_tokenizer_travels_to_another_process_as_its_arguments(tiny: Backbone) -> None:
    tiny.tokenize(["warm the vocabulary up"])
    raw = pickle.dumps(tiny.tokenize)
    assert len(raw) < 200
    again = pickle.loads(raw)
    assert torch.equal(again(["a street"]), tiny.tokenize(["a street"]))


def test_ids_of_5000_captions_with_accented_names_are_those_of_open_clip() -> None:
    towns, rng = load_gazetteer(), np.random.default_rng(0)
    accented = np.array([not name.isascii() for name in towns.name])
    share = np.where(accented, 0.8 / accented.sum(), 0.2 / (~accented).sum())
    rows = rng.choice(len(share), 5000, p=share)
    templates = [load_template(name) for name in shipped_templates()]
    tokenizer = SimpleTokenizer()
    tokens, odd = by_words(SimpleTokenizer()), 0
    for number, row in enumerate(rows):
        names = {"country": towns.country[row], "region": towns.region[row]}
        places = names | {"town": towns.name[row], "heading": 10.0, "month": 2}
        caption = synthesize(templates[number % len(templates)], places, rng)
        odd += not caption.isascii()
        assert tokens(caption) == tokenizer.encode(caption), caption
    assert odd > 1500


def texts_where_anything_meets(number: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    pieces = np.array([*ODD, *PLAIN, *PLAIN, *[" "] * 30], dtype=object)
    return ["".join(rng.choice(pieces, rng.integers(1, 14))) for _ in range(number)]


def test_ids_are_those_of_open_clip_whatever_meets_with_or_without_a_space() -> None:
    tokenizer, tokens = SimpleTokenizer(), by_words(SimpleTokenizer())
    for text in texts_where_anything_meets(4000, seed=1):
        assert tokens(text) == tokenizer.encode(text), ascii(text)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Template:
    """A template whose slots meet each other and punctuation without a space."""
    path: Path = tmp_path_factory.mktemp("templates") / "crowded.yaml"
    path.write_text(
        "columns: {a: required, b: required}\n"
        "sentences:\n"
        '  - text: "{a}{b}\'s &{a};({b})"\n'
        "  - {text: 'in {b|article}', end: 's'}\n"
    )
    return load_template(str(path))


def test_names_of_any_kind_keep_their_ids_in_a_template_without_spaces(crowded: Template) -> None:
    tokenizer, tokens = SimpleTokenizer(), by_words(SimpleTokenizer())
    rng = np.random.default_rng(0)
    names = [name for name in texts_where_anything_meets(2000, seed=2) if name.strip()]
    for a, b in zip(names[::2], names[1::2], strict=False):
        caption = synthesize(crowded, {"a": a, "b": b}, rng)
        assert tokens(caption) == tokenizer.encode(caption), ascii(caption)


def test_any_letters_merge_as_in_open_clip() -> None:
    tokenizer, rng = SimpleTokenizer(), np.random.default_rng(0)
    letters = np.array([*"aabeinorst'-.é9"], dtype=object)
    for _ in range(2000):
        word = "".join(tokenizer.byte_encoder[b] for b in "".join(rng.choice(letters, 9)).encode())
        assert " ".join(merge(word, tokenizer.bpe_ranks)) == tokenizer.bpe(word)


def test_the_tokenizer_of_open_clip_keeps_no_names(tiny: Backbone) -> None:
    tokenizer = SimpleTokenizer()
    tokens, before = by_words(tokenizer), len(tokenizer.cache)
    for number in range(300):
        tokens(f"Foix{number}ville")
    assert len(tokenizer.cache) == before
