"""No float is narrower than fp32 afterwards, and none is changed."""

import pytest
import torch

from streetclip.model.wide import wide

TABLE = [
    (torch.float16, torch.float32),
    (torch.bfloat16, torch.float32),
    (torch.float32, torch.float32),
    (torch.float64, torch.float64),
]


@pytest.mark.parametrize(("given", "expected"), TABLE)
def test_narrow_numbers_become_wide_and_keep_their_value(
    given: torch.dtype, expected: torch.dtype
) -> None:
    values = torch.tensor([0.1, -3.0], dtype=given)
    assert wide(values).dtype == expected
    assert torch.equal(wide(values).to(given), values)
