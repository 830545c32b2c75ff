"""No file of torch, however it was made, brings anything but our own errors out of its reader."""

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.faults.hostile import CHECKPOINTS, with_program

from streetclip.errors import CheckpointError, ModelError
from streetclip.model.backbone import create_backbone
from streetclip.model.pickled import check_pickled, read_pickled
from streetclip.model.weights import load_backbone
from streetclip.training.checkpoint_io import read_checkpoint

# Each brings another kind of exception out of torch's protected reader.
PROGRAMS = {
    "EOFError": b"",
    "IndexError": b"\x80\x02.",
    "KeyError": b"\x80\x02h\x05.",
    "TypeError": b"\x80\x02ccollections\nOrderedDict\n)RNb.",
    "UnpicklingError": b"\x80\x02cposix\nsystem\n.",
    "error": b"\x80\x02J\x01.",
}


class _OursError(Exception):
    pass


@pytest.mark.parametrize("kind", PROGRAMS)
def test_whatever_the_reader_stumbles_on_becomes_the_error_of_the_caller(
    tmp_path: Path, kind: str
) -> None:
    with_program(tmp_path / "a.pt", PROGRAMS[kind])
    for read in (read_pickled, check_pickled):
        with pytest.raises(_OursError, match=rf"^{kind}$"):
            read(tmp_path / "a.pt", _OursError)


@pytest.mark.parametrize("kind", PROGRAMS)
def test_every_place_that_takes_a_file_refuses_it_by_name(
    tmp_path: Path, tiny_config: dict[str, Any], kind: str
) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_config))
    path = tmp_path / "a.pt"
    with_program(path, PROGRAMS[kind])
    with pytest.raises(CheckpointError, match=rf"a\.pt' cannot be read; got: {kind}"):
        load_backbone(path)
    with pytest.raises(CheckpointError, match=rf"a\.pt is not one of our .* got: {kind}"):
        read_checkpoint(path)
    with pytest.raises(ModelError, match=rf"a\.pt' does not fit .* got: {kind}"):
        create_backbone(str(tmp_path / "tiny.json"), pretrained=str(path))


@pytest.mark.parametrize("write", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_no_code_runs_where_the_environment_lifts_the_protection_of_who_does_not_ask_for_it(
    tmp_path: Path,
    tiny_config: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    write: Callable[[Path, Path], None],
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_config))
    path = tmp_path / "a.pt"
    write(path, tmp_path / "marker")
    with pytest.raises(ModelError, match="does not fit"):
        create_backbone(str(tmp_path / "tiny.json"), pretrained=str(path))
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_backbone(path)
    with pytest.raises(CheckpointError, match=r"cannot be used|is not one of our checkpoints"):
        read_checkpoint(path)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("content", [[1], {}, {"state_dict": {}}, {"state_dict": 3}, {5: 6}])
def test_weights_without_names_are_refused_before_anybody_looks_for_them(
    tmp_path: Path, tiny_config: dict[str, Any], content: Any
) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_config))
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(ModelError, match="got: no weights by their names"):
        create_backbone(str(tmp_path / "tiny.json"), pretrained=str(tmp_path / "a.pt"))


@pytest.mark.parametrize(
    "state",
    [
        {"positional_embedding": torch.zeros(())},
        {"logit_scale": 3},
        {"logit_scale": torch.zeros(7)},
        {"visual.positional_embedding": torch.zeros(1, 2, 3)},
    ],
)
def test_weights_that_open_clip_stumbles_on_are_refused(
    tmp_path: Path, tiny_config: dict[str, Any], state: dict[str, Any]
) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(tiny_config))
    torch.save(state, tmp_path / "a.pt")
    with pytest.raises(ModelError, match="does not fit model"):
        create_backbone(str(tmp_path / "tiny.json"), pretrained=str(tmp_path / "a.pt"))


@pytest.mark.parametrize("old", [False, True])
def test_the_check_lets_weights_pass_without_reading_them(tmp_path: Path, old: bool) -> None:
    state = {"a": torch.nn.Parameter(torch.ones(2)), "b": torch.zeros(3)}
    for content in (state, {"state_dict": state, "epoch": 3}):
        torch.save(content, tmp_path / "a.pt", _use_new_zipfile_serialization=not old)
        check_pickled(tmp_path / "a.pt", _OursError)


def test_files_of_other_formats_are_left_to_their_readers(tmp_path: Path) -> None:
    check_pickled(tmp_path / "a.safetensors", _OursError)


def test_an_archive_with_a_password_is_no_whole_checkpoint(tmp_path: Path) -> None:
    whole = io.BytesIO()
    torch.save({"state_dict": {}}, whole)
    raw = bytearray(whole.getvalue())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + flags] |= 1
    (tmp_path / "a.ckpt").write_bytes(raw)
    assert zipfile.is_zipfile(tmp_path / "a.ckpt")
    with pytest.raises(CheckpointError, match=r"not a whole zip archive: .*password"):
        read_checkpoint(tmp_path / "a.ckpt")
