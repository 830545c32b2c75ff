"""Files of a transformers folder are read without running code, or refused with the reason."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from streetclip.errors import ModelError
from streetclip.model.hf_files import check_folder, read_json, read_preprocessor, read_weights

WEIGHTS = {"a": torch.arange(3.0), "b": torch.ones(2, 2)}


def _same(found: dict[str, torch.Tensor]) -> bool:
    return found.keys() == WEIGHTS.keys() and all(torch.equal(found[n], WEIGHTS[n]) for n in found)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_one_file_is_read(tmp_path: Path, name: str) -> None:
    if name.endswith(".bin"):
        torch.save(WEIGHTS, tmp_path / name)
    else:
        save_file(WEIGHTS, tmp_path / name)
    assert _same(read_weights(tmp_path))


@pytest.mark.parametrize("kind", ["model.safetensors", "pytorch_model.bin"])
def test_several_files_are_read_by_their_index(tmp_path: Path, kind: str) -> None:
    names = {"a": "part-1-of-2", "b": "part-2-of-2"}
    suffix = Path(kind).suffix
    for key, name in names.items():
        one = {key: WEIGHTS[key]}
        path = tmp_path / f"{name}{suffix}"
        torch.save(one, path) if suffix == ".bin" else save_file(one, path)
    index = {"weight_map": {key: f"{name}{suffix}" for key, name in names.items()}}
    (tmp_path / f"{kind}.index.json").write_text(json.dumps(index))
    assert _same(read_weights(tmp_path))


def test_safetensors_go_before_a_pickle(tmp_path: Path) -> None:
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    (tmp_path / "pytorch_model.bin").write_bytes(b"never read")
    assert _same(read_weights(tmp_path))


class _Malicious:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("owned",)


def test_no_code_of_a_pickle_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({**WEIGHTS, "c": _Malicious()}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pytorch_model.bin' cannot be read; got: Unpickling"):
        read_weights(tmp_path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "has no weights; allowed: model.safetensors or"),
        ({"model.safetensors": b"version https://git-lfs"}, "a pointer to a file that was not"),
        ({"pytorch_model.bin": b""}, "pytorch_model.bin' cannot be read"),
        ({"model.safetensors.index.json": b"{}"}, "has no weight_map"),
        ({"model.safetensors.index.json": b"[]"}, "holds no JSON object; got: list"),
        ({"model.safetensors.index.json": b"\xff"}, "is no JSON file"),
        (
            {"model.safetensors.index.json": b'{"weight_map": {"a": "../other.safetensors"}}'},
            "names files outside of its folder; got: ../other.safetensors",
        ),
        (
            {"model.safetensors.index.json": b'{"weight_map": {"a": "m1.safetensors"}}'},
            "lacks parts of its weights; got: m1.safetensors",
        ),
    ],
)
def test_what_is_missing_or_damaged_is_named(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        read_weights(tmp_path)


@pytest.mark.parametrize("content", [[1, 2], {"a": 3}, {1: torch.zeros(1)}])
def test_a_pickle_of_something_else_holds_no_weights(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="no weights by their names"):
        read_weights(tmp_path)


def test_the_name_of_a_hub_is_answered_with_the_way_to_get_its_folder() -> None:
    with pytest.raises(
        ModelError, match=r"no folder 'geolocal/StreetCLIP'.*hf download OWNER/NAME"
    ):
        check_folder(Path("geolocal/StreetCLIP"))


def test_a_folder_of_open_clip_is_answered_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no config\.json"):
        check_folder(tmp_path)
    (tmp_path / "open_clip_config.json").touch()
    with pytest.raises(ModelError, match=f"use open_clip:{tmp_path}"):
        check_folder(tmp_path)


def test_preprocessing_is_found_in_its_own_file_or_in_the_processors(tmp_path: Path) -> None:
    assert read_preprocessor(tmp_path) is None
    (tmp_path / "processor_config.json").write_text('{"image_processor": {"size": 1}}')
    assert read_preprocessor(tmp_path) == {"size": 1}
    (tmp_path / "preprocessor_config.json").write_text('{"size": 2}')
    assert read_preprocessor(tmp_path) == {"size": 2}


def test_a_file_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_json(tmp_path / "absent.json") is None
