"""Tokens are those of open_clip, and the tokenizer is cheap to send."""

import logging
import pickle

import open_clip
import pytest
import torch
from torch.nn import functional as F

from streetclip.model.backbone import Backbone


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
