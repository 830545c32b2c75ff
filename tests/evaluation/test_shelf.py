from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from streetclip.evaluation.feature_cache import FeatureCache
from streetclip.evaluation.shelf import PhotoShelf, TextShelf

TEXTS = ("in France", "in Japan, far away", "in Peru")


class Encoder:
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: Sequence[str]) -> Tensor:
        self.asked += texts
        return torch.tensor([[float(len(text)), float(ord(text[3]))] for text in texts])


def encoder(shelf: TextShelf, encode: Encoder, texts: Sequence[str] = TEXTS) -> Encoder:
    found: Encoder = shelf.encoder(  # type: ignore[assignment]
        texts, encode, device=torch.device("cpu"), batch_size=2
    )
    return found


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path)


def test_texts_are_encoded_once_and_found_in_any_order(cache: FeatureCache) -> None:
    encode = Encoder()
    shelf = TextShelf(cache, {"weights": "a"})
    fresh = Encoder()(TEXTS)
    for _ in range(2):
        look_up = encoder(shelf, encode)
        assert torch.equal(look_up(TEXTS), fresh)
        assert torch.equal(look_up([TEXTS[2], TEXTS[0]]), fresh[[2, 0]])
    assert sorted(encode.asked) == sorted(TEXTS)


def test_other_texts_go_to_the_model(cache: FeatureCache) -> None:
    encode = Encoder()
    look_up = encoder(TextShelf(cache, {"weights": "a"}), encode)
    encode.asked.clear()
    assert torch.equal(look_up(["in Chad", TEXTS[0]]), Encoder()(["in Chad", TEXTS[0]]))
    assert encode.asked == ["in Chad", TEXTS[0]]


def test_other_weights_and_other_lists_are_kept_apart(cache: FeatureCache) -> None:
    encode = Encoder()
    encoder(TextShelf(cache, {"weights": "a"}), encode)
    encoder(TextShelf(cache, {"weights": "b"}), encode)
    encoder(TextShelf(cache, {"weights": "a"}), encode, TEXTS[::-1])
    assert len(encode.asked) == 9
    assert len(list(cache.folder.glob("text-*.safetensors"))) == 3


def test_the_work_is_announced_before_each_call_and_only_if_there_is_any(
    cache: FeatureCache,
) -> None:
    calls: list[int] = []
    shelf = TextShelf(cache, {})
    for _ in range(2):
        shelf.encoder(
            TEXTS,
            Encoder(),
            device=torch.device("cpu"),
            batch_size=2,
            between=lambda: calls.append(1),
        )
    assert len(calls) == 2


def test_the_facts_of_a_set_decide_its_name(cache: FeatureCache) -> None:
    facts = {"weights": "a", "shard_set": "s", "precision": "32-true"}
    other = [PhotoShelf(cache, {**facts, name: "x"}).name for name in facts]
    assert len({PhotoShelf(cache, facts).name, *other}) == 4
