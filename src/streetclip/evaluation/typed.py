"""Whether values that JSON gives are what the fields of a record say, before there is a record."""

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Union, get_args, get_origin, get_type_hints


def misfits(record: type, values: Mapping[str, object]) -> list[str]:
    """The fields of a record whose values are not of their type.

    Args:
        record: A dataclass.
        values: By the names of its fields; names that are no fields, and fields that have no value
            here, are not looked at.

    Returns:
        For each wrong field its name, what it is and what it should be.

    Example:
        >>> from streetclip.evaluation.bootstrap import Estimate
        >>> misfits(Estimate, {"value": "x", "n": 3})
        ["value is 'x', not float or null"]
    """
    hints = get_type_hints(record)
    found = []
    for field in fields(record):
        if field.name in values and not fits(values[field.name], hints[field.name]):
            text = repr(values[field.name])
            short = text if len(text) <= 60 else f"{text[:57]}..."
            found.append(f"{field.name} is {short}, not {_called(hints[field.name])}")
    return found


def fits(value: object, annotation: Any) -> bool:
    """Whether a value is of a type; a whole number is a float too, and a truth value is no number.

    Args:
        value: Plain: a list stands for a tuple, and a mapping for a record.
        annotation: A class, `Any`, a union, `tuple[X, ...]`, `tuple[X, Y]` or `Mapping[str, X]`.

    Example:
        >>> fits([["a", 1]], tuple[tuple[str, int], ...]), fits(True, int)
        (True, False)
    """
    if annotation is Any:
        return True
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return any(fits(value, each) for each in inside)
    if origin is tuple:
        return isinstance(value, list | tuple) and _all_fit(value, inside)
    if origin is not None and issubclass(origin, Mapping):
        return isinstance(value, Mapping) and all(
            fits(name, inside[0]) and fits(each, inside[1]) for name, each in value.items()
        )
    if annotation in (int, float):
        numbers = (int, float) if annotation is float else (int,)
        return isinstance(value, numbers) and not isinstance(value, bool)
    if isinstance(annotation, type) and is_dataclass(annotation):
        return isinstance(value, Mapping) and _is_whole(annotation, value)
    return isinstance(value, annotation)


def _is_whole(record: type, values: Mapping[Any, object]) -> bool:
    known = {field.name: field.default is MISSING for field in fields(record)}
    needed = {name for name, is_needed in known.items() if is_needed}
    return needed <= values.keys() <= known.keys() and not misfits(record, values)


def _all_fit(values: Sequence[object], inside: Sequence[Any]) -> bool:
    if len(inside) == 2 and inside[1] is Ellipsis:
        return all(fits(value, inside[0]) for value in values)
    return len(values) == len(inside) and all(map(fits, values, inside))


def _called(annotation: Any) -> str:
    """A type as the user of a JSON file would say it."""
    if annotation is type(None):
        return "null"
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " or ".join(_called(each) for each in inside)
    if origin is tuple:
        return f"a list of {_called(inside[0])}"
    if origin is not None:
        return f"a mapping to {_called(inside[1])}"
    return str(getattr(annotation, "__name__", annotation))
