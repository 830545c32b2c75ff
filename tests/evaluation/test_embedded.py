"""Photographs that were looked at can be cut into parts and put together again."""

from dataclasses import replace

import pytest
import torch

from streetclip.evaluation.embedded import Embedded, joined

SEEN = Embedded(
    index=(0, 1, 2, 3),
    keys=("a", "b", "c", "d"),
    metadata=({"country": "FR"}, {}, {"country": "JP"}, {"country": "DE"}),
    errors=(None, "truncated", None, None),
    features=torch.arange(8.0).reshape(4, 2),
    matched=(True, None, False, None),
)


def test_parts_put_together_are_the_whole() -> None:
    for cut in range(1, 4):
        again = joined([SEEN.rows(0, cut), SEEN.rows(cut, 4)])
        assert torch.equal(again.features, SEEN.features)
        assert (again.index, again.keys) == (SEEN.index, SEEN.keys)
        assert (again.metadata, again.errors) == (SEEN.metadata, SEEN.errors)
        assert again.matched == SEEN.matched


def test_a_part_has_the_rows_that_were_asked_for() -> None:
    part = SEEN.rows(1, 3)
    assert len(part) == 2
    assert (part.index, part.keys) == ((1, 2), ("b", "c"))
    assert (part.errors, part.matched) == (("truncated", None), (None, False))
    assert part.features.tolist() == [[2.0, 3.0], [4.0, 5.0]]


@pytest.mark.parametrize(
    ("error", "may"),
    [(None, False), ("truncated", False), ("image_checksum", True), ("metadata_checksum", True)],
)
def test_only_damage_on_the_disk_may_be_mended(error: str | None, may: bool) -> None:
    seen = replace(SEEN, errors=(None, None, None, error))
    assert seen.may_be_better_next_time is may
