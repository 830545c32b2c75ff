"""Claims about letters."""

import pytest

from streetclip.sampleworld.dice import Dice
from streetclip.sampleworld.glyphs import GLYPHS, lettering


@pytest.mark.parametrize("script", sorted(GLYPHS))
def test_every_script_has_letters_of_its_own_within_their_square(script: str) -> None:
    letters = GLYPHS[script]
    assert len(set(letters)) >= 6
    points = [point for letter in letters for stroke in letter for point in stroke]
    assert all(0 <= x <= 1.3 and 0 <= y <= 1.3 for x, y in points)


@pytest.mark.parametrize("script", sorted(GLYPHS))
def test_a_word_fills_its_line_and_stays_within(script: str) -> None:
    strokes = lettering(Dice("word", script), script, 6.0)
    across = [x for stroke in strokes for x, _ in stroke]
    assert min(across) >= -0.01
    assert max(across) <= 6.3
    assert max(across) - min(across) > 3.5


def test_no_two_scripts_share_most_of_their_letters() -> None:
    for first, letters in GLYPHS.items():
        for second, others in GLYPHS.items():
            if first != second:
                assert len(set(letters) & set(others)) <= 2, (first, second)
