"""A checkpoint that is cut, flipped or something else is told from a whole one."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from streetclip.errors import ShardError
from streetclip.shards.weights import check_weights, zip_damage


def torch_file() -> bytes:
    buffer = io.BytesIO()
    torch.save({"state_dict": {"a": torch.arange(4000)}}, buffer)
    return buffer.getvalue()


def tensors_file() -> bytes:
    return save({"a": np.arange(4000)})


@pytest.mark.parametrize("make", [torch_file, tensors_file])
def test_a_whole_file_passes_and_a_cut_one_never(tmp_path: Path, make: object) -> None:
    assert callable(make)
    raw, path = make(), tmp_path / "x"
    path.write_bytes(raw)
    check_weights(path)
    for size in (0, 3, 7, 8, 100, len(raw) // 2, len(raw) - 1):
        path.write_bytes(raw[:size])
        with pytest.raises(ShardError, match=r"no whole checkpoint; got: .*safetensors"):
            check_weights(path)


def test_each_flipped_byte_of_a_tensor_is_found(tmp_path: Path) -> None:
    raw, path = torch_file(), tmp_path / "x"
    for offset in range(len(raw) // 4, 3 * len(raw) // 4, 997):
        path.write_bytes(raw[:offset] + bytes([raw[offset] ^ 4]) + raw[offset + 1 :])
        assert "wrong CRC" in (zip_damage(path) or "")


@pytest.mark.parametrize(
    "raw",
    [
        b"<html><body>Come back later.</body></html>",
        struct.pack("<Q", 2**62) + b"{}",
        struct.pack("<Q", 2) + b"{}" + b"more",
        b"\x80\x02}q\x00.",
    ],
)
def test_what_is_neither_says_how_it_begins(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "x").write_bytes(raw)
    with pytest.raises(ShardError, match=r"neither a zip archive nor .*begins with b.*allowed: "):
        check_weights(tmp_path / "x")


def test_another_zip_archive_is_no_checkpoint(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("word/document.xml", "text")
    with pytest.raises(ShardError, match="without a checkpoint of torch in it"):
        check_weights(tmp_path / "x")
