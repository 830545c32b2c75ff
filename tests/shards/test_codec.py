"""Other pixels are another shard set, and older sets keep their digest."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from streetclip.errors import ShardError
from streetclip.shards.codec import CODEC
from streetclip.shards.files import ShardEntry
from streetclip.shards.layout import open_shard_set, shard_set_digest
from streetclip.shards.write import BuildOptions, build_shards

ENTRY = ShardEntry("a.tar", 10, "a" * 64, 2, "b" * 64)
OLD = hashlib.sha256(f"streetclip shards 1\n{'a' * 64} {'b' * 64}\n".encode()).hexdigest()


def test_sets_that_name_no_codec_keep_their_digest() -> None:
    assert shard_set_digest([ENTRY]) == shard_set_digest([ENTRY], {"quality": 90}) == OLD


def test_another_resizer_or_encoder_is_another_digest() -> None:
    others = [CODEC, *({**CODEC, role: "another"} for role in CODEC)]
    digests = {shard_set_digest([ENTRY], {"codec": codec}) for codec in others}
    assert len(digests | {OLD}) == 5


def test_a_built_set_names_its_codec_and_does_not_open_as_made_by_another(
    make_source: Callable[..., Path], tmp_path: Path
) -> None:
    build_shards(make_source(3), tmp_path / "out", options=BuildOptions(val_share=0))
    shard_set = open_shard_set(tmp_path / "out")
    assert shard_set.options["codec"] == CODEC
    assert {"pillow", "torch", "torchvision"} == set(
        json.loads((tmp_path / "out" / "build.json").read_text())["versions"]
    )
    file = shard_set.root / "shards.json"
    file.write_text(file.read_text().replace(CODEC["resizer"], "another"))
    with pytest.raises(ShardError, match="does not fit its own digest"):
        open_shard_set(tmp_path / "out")
