"""The hostile files are hostile: whoever unpickles them, runs them."""

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from tests.faults.hostile import CHECKPOINTS, Payload, commands, write_hostile_tar, yaml_tags
from tests.sources import read_with_webdataset
from webdataset.autodecode import Decoder
from webdataset.gopen import gopen


@pytest.mark.parametrize("write", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_a_hostile_checkpoint_runs_where_pickles_are_allowed(
    tmp_path: Path, write: Callable[[Path, Path], None]
) -> None:
    write(tmp_path / "hostile.ckpt", tmp_path / "marker")
    assert not (tmp_path / "marker").exists()
    if write is CHECKPOINTS["plain_pickle"]:
        pickle.loads((tmp_path / "hostile.ckpt").read_bytes())
    else:
        torch.load(tmp_path / "hostile.ckpt", weights_only=False)
    assert (tmp_path / "marker").is_dir()


def test_a_hostile_member_runs_where_webdataset_decodes_it(tmp_path: Path) -> None:
    write_hostile_tar(tmp_path / "000000.tar", tmp_path / "marker", samples=1)
    (sample,) = read_with_webdataset([tmp_path / "000000.tar"])
    Decoder([])({"__key__": sample["__key__"], "pyd": sample["pyd"]})
    assert (tmp_path / "marker").is_dir()


def test_a_command_runs_where_webdataset_opens_it(tmp_path: Path) -> None:
    name = commands(tmp_path / "marker")[0]
    with gopen(name) as stream:
        stream.read()
    assert (tmp_path / "marker").is_dir()


@pytest.mark.parametrize("number", range(4))
def test_a_tag_runs_where_yaml_is_loaded_unsafely(tmp_path: Path, number: int) -> None:
    tag = yaml_tags(tmp_path / "marker")[number]
    yaml.load(f"seed: {tag}", Loader=yaml.UnsafeLoader)
    assert (tmp_path / "marker").is_dir()


def test_a_payload_makes_its_marker_once(tmp_path: Path) -> None:
    data = pickle.dumps(Payload(tmp_path / "marker"))
    pickle.loads(data)
    with pytest.raises(FileExistsError, match="marker"):
        pickle.loads(data)
