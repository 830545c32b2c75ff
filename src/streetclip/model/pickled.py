"""Files that torch wrote, which are pickles: read without running what they hold."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

Refuse = Callable[[str], Exception]
"""Makes the caller's error of a reason."""

WITHOUT_PICKLE = (".safetensors", ".npz", ".npy")
"""Endings of weight files whose readers unpickle nothing."""


def read_pickled(path: Path, refuse: Refuse, *, map_location: Any = "cpu") -> Any:
    """What a local file of torch holds: tensors and plain values, and nothing else.

    A pickle is a program, and whoever wrote it decides on what its reader stumbles: a file made for
    it brings any kind of exception out of `torch.load`. All of them mean that it cannot be used.

    Args:
        path: A local file.
        refuse: Makes the error to raise; torch's own words, which advise to read the file without
            protection, are left out of the reason that it is given.
        map_location: Where tensors go; `"meta"` reads none of their bytes.

    Returns:
        Whatever was saved.

    Raises:
        Exception: The one that `refuse` makes: the file cannot be read, or holds an object that
            would run code.

    Example:
        >>> read_pickled(Path("no.ckpt"), lambda reason: ValueError(f"no.ckpt: {reason}"))
        Traceback (most recent call last):
        ...
        ValueError: no.ckpt: FileNotFoundError
    """
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        raise refuse(type(error).__name__) from error


def check_pickled(path: Path, refuse: Refuse) -> None:
    """Refuses a file that could not be read with `read_pickled`, without reading its weights.

    It stands before functions of libraries that unpickle: some of them try again without protection
    when the protected reader fails.

    Args:
        path: A local file; one whose ending says that it is no pickle passes.
        refuse: Makes the error to raise.

    Raises:
        Exception: The one that `refuse` makes: the file cannot be read, would run code, or holds no
            weights by their names.
    """
    if path.suffix in WITHOUT_PICKLE:
        return
    content = read_pickled(path, refuse, map_location="meta")
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    is_named = isinstance(state, dict) and all(isinstance(name, str) for name in state)
    if not is_named or not state:
        raise refuse("no weights by their names")
