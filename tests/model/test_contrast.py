"""What rows are compared with, and which answers are right."""

import pytest
import torch

from streetclip.errors import ModelError
from streetclip.model.contrast import Negatives, compared_with, equal_captions, share_right


@pytest.mark.parametrize("negatives", ["global", "local"])
def test_one_process_compares_its_rows_with_themselves(negatives: Negatives) -> None:
    image, text, ids = torch.eye(2), torch.eye(2).flip(0), torch.tensor([3, 4])
    every = compared_with(image, text, ids, negatives=negatives)
    assert every.image_features is image
    assert every.text_features is text
    assert every.caption_id is ids
    assert every.offset == 0


def test_captions_that_nobody_gave_are_missed_by_the_loss_that_asks() -> None:
    every = compared_with(torch.eye(2), torch.eye(2), None, negatives="global")
    with pytest.raises(ModelError, match="asks which captions are equal; give compared_with a cap"):
        _ = every.captions


def test_captions_are_equal_where_their_numbers_are() -> None:
    found = equal_captions(torch.tensor([2**62, 5]), torch.tensor([5, 2**62, 2**62 + 1]))
    assert found.tolist() == [[False, True, False], [True, False, False]]


def test_a_row_is_right_where_its_best_place_is() -> None:
    scores = torch.tensor([[1.0, 3.0, 2.0], [9.0, 1.0, 1.0]])
    right = torch.tensor([[False, True, True], [False, True, False]])
    assert share_right(scores, right) == 0.5
