"""A result on a part of a published set says so."""

import pytest

from streetclip.evaluation.registry import set_title


@pytest.mark.parametrize(
    ("name", "photos", "title"),
    [
        ("im2gps", 237, "IM2GPS (237 photographs)"),
        ("OSV5M", 3, "OSV-5M (partial: 3 of 210,122 photographs)"),
        ("mine", 1000, "mine (1,000 photographs)"),
    ],
)
def test_titles_count_photographs(name: str, photos: int, title: str) -> None:
    assert set_title(name, photos) == title
