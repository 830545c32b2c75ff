"""Shapes and types of the whole package are checked while the tests run."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

os.environ.setdefault("OMP_NUM_THREADS", "1")
_HOOK = install_import_hook("streetclip", "typecheck.typechecked")

REPOSITORY = Path(__file__).resolve().parent.parent


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
