"""Hostile checkpoints at URLs, wherever a user can name one, and harmless ones beside them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from unittest import mock

import pytest
import torch
from tests.badserver import BadServer
from tests.forkedrun import MODEL

import streetclip
from streetclip.build.model import named_backbone, new_backbone
from streetclip.build.resume import choose_run, opened
from streetclip.config.schema import ModelConfig
from streetclip.errors import CheckpointError, ShardError
from streetclip.model.backbone import create_backbone
from streetclip.model.weights import ENTRY, PREFIX, describe_weights
from streetclip.shards.cache import Cache
from streetclip.training.checkpoint_io import AtomicCheckpointIO

Write = Callable[[Path, Path], None]
"""Writes a hostile file, the first path, that makes a marker, the second."""
Road = Callable[[str, Path], object]
"""Uses the checkpoint at a URL; the folder is for all that is kept."""
HARMLESS, HOSTILE = "harmless.ckpt", "hostile.ckpt"
REFUSED = (
    r"cannot be (read|used)|is (not one of our checkpoints|no checkpoint of streetclip|"
    r"no whole checkpoint)"
)


def at_a_url(write: Write, folder: Path, marker: Path) -> int:
    """On every road that fetches a checkpoint, and to Lightning's own reader, which would run it.

    On each road a harmless checkpoint comes first and is taken, so that what is refused is refused
    for what it is, and not for where it lies.
    """
    served, model = folder / "served", folder / "model.json"
    served.mkdir()
    model.write_text(json.dumps(MODEL))
    write_harmless(served / HARMLESS, model)
    write(served / HOSTILE, marker)
    with BadServer(served) as server:
        for name, road in _roads(model).items():
            kept = folder / name
            road(f"{server.url}/{HARMLESS}", kept / "first")
            with pytest.raises((CheckpointError, ShardError), match=REFUSED):
                road(f"{server.url}/{HOSTILE}", kept / "then")
            assert not list((kept / "then").glob("runs/*/*")), "a run has begun"
        assert_asked(server, HARMLESS, times=len(_roads(model)))
        # What is not even an archive is asked for once more, as a transfer may have gone wrong.
        asked = len(server.statuses(HOSTILE))
        assert asked in (len(_roads(model)), 2 * len(_roads(model)))
        assert_asked(server, HOSTILE, times=asked)
        with pytest.raises(CheckpointError, match="read from a local file only"):
            AtomicCheckpointIO().load_checkpoint(f"{server.url}/{HOSTILE}", weights_only=False)
        assert_asked(server, HOSTILE, times=asked)
    return len(_roads(model)) + 1


def write_harmless(path: Path, model: Path) -> None:
    """A checkpoint as a run writes it, as far as its readers look.

    Args:
        path: The checkpoint.
        model: Configuration of its towers.
    """
    backbone = create_backbone(str(model), seed=2)
    state = {f"{PREFIX}{name}": value for name, value in backbone.state_dict().items()}
    entry = describe_weights(backbone.spec, state)
    torch.save({"state_dict": state, ENTRY: entry, "epoch": 1, "global_step": 4}, path)


def assert_asked(server: BadServer, name: str, *, times: int) -> None:
    """A server was asked for a file so many times, and has given it."""
    statuses = server.statuses(name)
    assert statuses == [200] * times, f"{name} was asked for with the answers {statuses}"


@contextmanager
def own_cache(folder: Path) -> Iterator[None]:
    """Keep in a folder what else would go to the user's cache; children of the process do so too.

    Args:
        folder: Of the cache.
    """
    with mock.patch.dict("os.environ", {"XDG_CACHE_HOME": str(folder)}):
        yield


def _roads(model: Path) -> dict[str, Road]:
    return {
        "resume": _resume,
        "start_from": partial(_start_from, model),
        "named": lambda url, folder: named_backbone(url, Cache(folder / "cache")),
        "load": _load,
    }


def _resume(url: str, folder: Path) -> None:
    """What `streetclip pretrain --resume URL` does."""
    chosen = choose_run(
        folder / "runs",
        "tiny",
        config=lambda: "{}\n",
        fingerprint={},
        resume=url,
        cache=Cache(folder / "cache"),
    )
    assert chosen["run"] is not None
    assert chosen["checkpoint"] is not None
    opened(Path(chosen["run"]))
    taken = AtomicCheckpointIO().load_checkpoint(chosen["checkpoint"])
    assert taken["global_step"] == 4


def _start_from(model: Path, url: str, folder: Path) -> None:
    """What `model.start_from=URL` does."""
    options = ModelConfig(name=str(model), start_from=url)
    new_backbone(options, seed=1, cache=Cache(folder / "cache"))


def _load(url: str, folder: Path) -> None:
    with own_cache(folder):
        streetclip.load(url)
