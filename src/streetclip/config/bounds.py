"""Fields of options that say what their values may be."""

from dataclasses import field
from typing import Any


def one_of(default: str, *others: str) -> Any:
    """A field that takes one of a few words, the default first."""
    return field(default=default, metadata={"choices": (default, *others)})


def between(default: Any, low: float, high: float = float("inf")) -> Any:
    """A number with bounds, both allowed; None passes where the annotation allows it."""
    return field(default=default, metadata={"low": low, "high": high})
