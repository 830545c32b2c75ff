"""Who opts out by key or by digest is found by the digest."""

from pathlib import Path

import pytest

from streetclip.errors import ShardError
from streetclip.shards.optout import is_opted_out, make_key, read_opt_out

DIGEST = "0123456789abcdef" * 4


def test_key_digest_and_its_beginning_name_the_same_photograph(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    for line in (DIGEST, DIGEST.upper(), DIGEST[:20], make_key(12, DIGEST), f" {DIGEST} # why"):
        path.write_text(f"\n# a comment\n{line}\n")
        assert is_opted_out(DIGEST, read_opt_out(path))
    assert not is_opted_out("f" * 64, read_opt_out(path))
    assert not is_opted_out(None, read_opt_out(path))
    assert read_opt_out(None) == frozenset()


def test_a_list_that_cannot_be_understood_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("somebody's photograph\n")
    with pytest.raises(ShardError, match='line 1: "somebody\'s photograph"'):
        read_opt_out(tmp_path / "list.txt")
    with pytest.raises(ShardError, match="cannot be read"):
        read_opt_out(tmp_path / "absent")
