from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from streetclip.data.photos import PhotoDataset
from streetclip.evaluation.embedded import Embedded, joined
from streetclip.evaluation.embedding import embed, pass_size
from streetclip.evaluation.feature_cache import FeatureCache
from streetclip.evaluation.photographs import passes
from streetclip.evaluation.shelf import PhotoShelf
from streetclip.shards.layout import ShardSet

FRANCE = {"latitude": 48.9, "longitude": 2.3, "country": "FR"}
JAPAN = {"latitude": 35.7, "longitude": 139.7, "country": "JP"}
SAMPLES = [FRANCE, JAPAN, {**FRANCE, "readable": False}, JAPAN, FRANCE, JAPAN, FRANCE]
PLANTED = {
    0: ("A Street View photo in France.",),
    1: ("A Street View photo in France.",),
    3: ("A Street View photo in Japan.",),
    4: ("A Street View photo in France.",),
    5: ("A Street View photo in Japan.",),
}


@pytest.fixture
def photographs(make_set: Callable[..., ShardSet]) -> ShardSet:
    return make_set(SAMPLES)


@pytest.fixture
def shelf(tmp_path: Path) -> PhotoShelf:
    return PhotoShelf(FeatureCache(tmp_path / "cache"), {"weights": "w", "photographs": 7})


def looked(clip: Any, photographs: ShardSet, shelf: PhotoShelf | None, **more: Any) -> Embedded:
    given: dict[str, Any] = {"photos": 7, "batch_size": 2, "matching_batch": 2, "shelf": shelf}
    dataset = PhotoDataset(photographs, clip.preprocess)
    return joined(embed(clip, dataset, **{**given, **more}))


class Watched:
    """Counts the photographs that go through the image tower."""

    def __init__(self, clip: Any) -> None:
        self.clip = clip
        self.photographs = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.clip, name)

    def encode_image(self, image: torch.Tensor) -> torch.Tensor:
        self.photographs += len(image)
        answer: torch.Tensor = self.clip.encode_image(image)
        return answer

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        answer: torch.Tensor = self.clip.encode_text(tokens)
        return answer


def equal(one: Embedded, other: Embedded) -> bool:
    return (
        torch.equal(one.features, other.features)
        and (one.index, one.keys, one.metadata) == (other.index, other.keys, other.metadata)
        and (one.errors, one.matched) == (other.errors, other.matched)
    )


def test_photographs_come_in_order_with_their_places_reasons_and_matches(
    photographs: ShardSet, planted_clip: Callable[..., Any]
) -> None:
    seen = looked(planted_clip(PLANTED).eval(), photographs, None)
    assert seen.index == tuple(range(7))
    assert [bool(error) for error in seen.errors] == [n == 2 for n in range(7)]
    assert seen.metadata[1]["country"] == "JP"
    assert seen.metadata[2]["country"] == "FR"
    # The second finds the first one's caption, and the last is no whole batch.
    # So is the third's batch of one caption.
    assert seen.matched == (True, False, None, None, True, True, None)
    assert len(seen) == 7


def test_what_is_kept_is_bit_equal_and_embedded_once(
    photographs: ShardSet, planted_clip: Callable[..., Any], shelf: PhotoShelf
) -> None:
    clip = Watched(planted_clip(PLANTED).eval())
    fresh = looked(clip, photographs, None)
    assert clip.photographs == 7
    first = looked(clip, photographs, shelf)
    again = looked(clip, photographs, shelf)
    assert clip.photographs == 14
    assert equal(first, fresh)
    assert equal(again, fresh)
    shelf.bind(passes(7, 2))
    assert [path.name[:4] for path in shelf.cache.folder.glob("*.safetensors")] == ["set-"]
    bound = looked(clip, photographs, shelf)
    larger = looked(clip, photographs, shelf, batch_size=6)
    assert clip.photographs == 14
    assert equal(bound, fresh)
    assert equal(larger, fresh)


def test_only_what_is_missing_or_damaged_is_computed_again(
    photographs: ShardSet,
    planted_clip: Callable[..., Any],
    shelf: PhotoShelf,
    caplog: pytest.LogCaptureFixture,
) -> None:
    clip = Watched(planted_clip(PLANTED).eval())
    fresh = looked(clip, photographs, shelf)
    parts = sorted(shelf.cache.folder.glob("part-*.safetensors"))
    assert len(parts) == 4
    parts[0].unlink()
    raw = parts[1].read_bytes()
    parts[1].write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    clip.photographs = 0
    assert equal(looked(clip, photographs, shelf), fresh)
    assert 2 <= clip.photographs <= 4  # The last pass has one photograph only.
    assert "is computed again" in caplog.text


def test_a_shelf_with_a_hole_is_not_bound(
    photographs: ShardSet, planted_clip: Callable[..., Any], shelf: PhotoShelf
) -> None:
    looked(planted_clip(PLANTED).eval(), photographs, shelf)
    next(shelf.cache.folder.glob("part-*.safetensors")).unlink()
    shelf.bind(passes(7, 2))
    assert len(list(shelf.cache.folder.glob("part-*.safetensors"))) == 3
    assert not list(shelf.cache.folder.glob("set-*.safetensors"))


def test_a_photograph_that_was_damaged_on_the_disk_is_read_again(
    photographs: ShardSet, planted_clip: Callable[..., Any], shelf: PhotoShelf
) -> None:
    clip = planted_clip(PLANTED).eval()
    fresh = looked(clip, photographs, None)
    tar = next(photographs.root.glob("*.tar"))
    good = tar.read_bytes()
    # The content of the first JPEG begins behind its header of 512 bytes.
    tar.write_bytes(good[:700] + bytes([good[700] ^ 1]) + good[701:])
    assert "checksum" in str(looked(clip, photographs, shelf).errors[0])
    tar.write_bytes(good)
    assert equal(looked(clip, photographs, shelf), fresh)


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_out_the_passes(
    photographs: ShardSet, planted_clip: Callable[..., Any], shelf: PhotoShelf, world: int
) -> None:
    alone = looked(planted_clip(PLANTED).eval(), photographs, None)
    clip = Watched(planted_clip(PLANTED).eval())
    parts: list[Embedded] = []
    for rank in range(world):
        processes = type("Rank", (), {"rank": rank, "world": world, "gather": lambda *_: []})()
        parts += embed(
            clip,
            PhotoDataset(photographs, clip.preprocess),
            photos=7,
            batch_size=2,
            matching_batch=2,
            processes=processes,
            shelf=shelf,
        )
    assert clip.photographs == 7
    assert equal(joined(sorted(parts, key=lambda part: part.index)), alone)


def test_progress_counts_what_is_kept_and_what_is_computed(
    photographs: ShardSet, planted_clip: Callable[..., Any], shelf: PhotoShelf
) -> None:
    clip = planted_clip(PLANTED).eval()
    counts: list[int] = []
    looked(clip, photographs, shelf, on_photos=counts.append)
    assert counts == [2, 2, 2, 1]
    looked(clip, photographs, shelf, on_photos=counts.append)
    assert counts[4:] == [7]


def test_rows_of_what_is_embedded_are_those_photographs(
    photographs: ShardSet, planted_clip: Callable[..., Any]
) -> None:
    seen = looked(planted_clip(PLANTED).eval(), photographs, None)
    assert equal(joined([seen.rows(0, 3), seen.rows(3, 7)]), seen)


def test_a_pass_is_whole_matching_batches() -> None:
    assert [pass_size(size, 32) for size in (1, 32, 63, 64, 128)] == [32, 32, 32, 64, 128]
