"""Shapes and types of the whole package are checked while the tests run."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")
# No test asks a hub; libraries read this when they are imported.
os.environ["HF_HUB_OFFLINE"] = "1"
_HOOK = install_import_hook("streetclip", "typecheck.typechecked")

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes what the user's commands have kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return REPOSITORY


@pytest.fixture(scope="session")
def real_photos(repository: Path) -> Path:
    """The folder of real photographs beside the checkout; tests that need it skip without it."""
    folder = repository.parent / "shared" / "photos"
    if not (folder / "photos.csv").exists():
        pytest.skip(f"no real photographs at {folder}")
    return folder


@dataclass(frozen=True)
class Finished:
    """A finished tiny run, shared by the tests that only look at it.

    Args:
        folder: Holds the experiment file, `runs` and `shards`.
        experiment: The experiment file.
        run: The run folder.
    """

    folder: Path
    experiment: Path
    run: Path


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A tiny experiment, trained once."""
    from tests.tinyrun import write_experiment

    from streetclip.build.pretrain import pretrain
    from streetclip.config.load import load_experiment

    folder = tmp_path_factory.mktemp("finished")
    experiment = write_experiment(folder)
    return Finished(folder, experiment, pretrain(load_experiment(experiment)))
