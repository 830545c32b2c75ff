"""A result with known numbers."""

from collections.abc import Callable

import pytest
from tests.plainresult import plain_result

from streetclip.evaluation.result import Result


@pytest.fixture(scope="session")
def make_result() -> Callable[..., Result]:
    """Makes a result of n photographs, changed by keywords."""
    return plain_result
