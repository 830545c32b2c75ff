"""Errors that pass are waited for; others are told at once."""

import errno
from collections.abc import Callable

import pytest

from streetclip.errors import ShardError
from streetclip.shards.patience import PAUSES_S, patiently


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, in no time."""
    made: list[float] = []
    monkeypatch.setattr("streetclip.shards.patience.time.sleep", made.append)
    return made


def failing(times: int, code: int) -> Callable[[], str]:
    left = iter(range(times))

    def read() -> str:
        if next(left, None) is not None:
            raise OSError(code, "no luck")
        return "done"

    return read


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EINTR])
@pytest.mark.parametrize("times", range(len(PAUSES_S) + 1))
def test_a_read_that_fails_for_a_moment_succeeds(
    times: int, code: int, pauses: list[float]
) -> None:
    assert patiently(failing(times, code), "shard 0.tar") == "done"
    assert pauses == list(PAUSES_S[:times])


def test_pauses_are_short_and_grow() -> None:
    assert sorted(PAUSES_S) == list(PAUSES_S)
    assert 0 < sum(PAUSES_S) < 5


def test_a_read_that_always_fails_is_an_error_with_its_cause(pauses: list[float]) -> None:
    with pytest.raises(ShardError, match=r"0\.tar cannot be read, again and again; got: .*no luck"):
        patiently(failing(9, errno.EIO), "shard 0.tar")
    assert pauses == list(PAUSES_S)


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES, errno.EISDIR])
def test_what_will_not_pass_is_not_waited_for(code: int, pauses: list[float]) -> None:
    with pytest.raises(ShardError, match=r"0\.tar cannot be read; got: .*no luck; do this"):
        patiently(failing(9, code), "shard 0.tar", remedy="do this")
    assert pauses == []
