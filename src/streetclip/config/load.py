"""YAML files and `key=value` arguments become typed options; every problem is reported at once."""

import math
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from streetclip.config.benchmark import BenchmarkConfig
from streetclip.config.data import ShardsConfig
from streetclip.config.schema import Experiment
from streetclip.errors import ConfigError

T = TypeVar("T")

_LISTS: Mapping[str, str] = MappingProxyType(
    {"model": "models", "data": "data", "protocol": "protocols"}
)


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """Read an experiment file, apply `key=value` arguments, and check everything.

    Args:
        path: A YAML file with keys of `Experiment`.
        overrides: Arguments such as `"optim.lr=1e-4"`; the value is YAML.

    Returns:
        The complete options; `name` is the file's own name where the file sets none.

    Raises:
        ConfigError: With every problem of the file and the arguments.
    """
    values = _merged(path, overrides)
    values.setdefault("name", path.stem)
    return _typed(Experiment, values, str(path))


def load_benchmark(path: Path | None, overrides: Sequence[str] = ()) -> BenchmarkConfig:
    """Read a benchmark file (or none) and apply `key=value` arguments.

    Args:
        path: A YAML file with keys of `BenchmarkConfig`, or None for the defaults; `model`,
            `data` and `protocol` may name a single one instead of a list.
        overrides: Arguments such as `"protocol=paper"`; they replace those of the file.

    Raises:
        ConfigError: With every problem of the file and the arguments.
    """
    values = _merged(path, overrides, lists=_LISTS)
    return _typed(BenchmarkConfig, values, str(path) if path else "the arguments")


def check_shard_options(values: Mapping[str, Any]) -> ShardsConfig:
    """Hold the options of `streetclip shards build` to the bounds of those in an experiment file.

    Args:
        values: By the names of `ShardsConfig`.

    Raises:
        ConfigError: With every problem.
    """
    return _typed(ShardsConfig, values, "streetclip shards build")


def to_plain(options: Any) -> dict[str, Any]:
    """Options as plain dictionaries, lists and scalars, safe for a checkpoint."""
    plain = OmegaConf.to_container(OmegaConf.structured(options), resolve=True)
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _merged(
    path: Path | None, overrides: Sequence[str], *, lists: Mapping[str, str] = MappingProxyType({})
) -> dict[str, Any]:
    where = str(path) if path else "the arguments"
    problems = [f"{text!r} is no key=value argument" for text in overrides if "=" not in text]
    if path is not None and not path.is_file():
        near = sorted(str(p) for p in path.parent.glob("*.yaml")) if path.parent.is_dir() else []
        known = f"; files there: {', '.join(near)}" if near else ""
        problems.append(f"no such file: {path}{known}")
    if problems:
        raise ConfigError(where, problems)
    try:
        base = OmegaConf.load(path) if path else OmegaConf.create()
        if not OmegaConf.is_dict(base):
            raise ConfigError(where, ["the file must hold keys with values, not a list or a word"])
        given = OmegaConf.from_dotlist(list(overrides))
        merged = OmegaConf.merge(*(_with_lists(layer, lists, where) for layer in (base, given)))
        plain = OmegaConf.to_container(merged, resolve=True)
    except (yaml.YAMLError, UnicodeDecodeError, OmegaConfBaseException) as error:
        raise ConfigError(where, [f"not readable as YAML: {error}"]) from error
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def _with_lists(layer: Any, lists: Mapping[str, str], where: str) -> Any:
    """A file or the arguments with a single value under its old key as a list under the new one."""
    values = OmegaConf.to_container(layer, resolve=False)
    assert isinstance(values, dict)
    for old, new in lists.items():
        if old not in values:
            continue
        if old != new and new in values:
            raise ConfigError(where, [f"{old} and {new} are both given: {new} lists all"])
        single = values.pop(old)
        several = [] if single is None else single if isinstance(single, list) else [single]
        values[new] = several
    return OmegaConf.create(values)


def _typed(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    problems: list[str] = []
    checked = _check(cls, values, "", problems)
    if problems:
        raise ConfigError(where, problems)
    merged = OmegaConf.merge(OmegaConf.structured(cls), checked)
    result = OmegaConf.to_object(merged)
    assert isinstance(result, cls)
    return result


def _check(
    cls: type, values: Mapping[str, Any], prefix: str, problems: list[str]
) -> dict[str, Any]:
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}
    checked: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        if key not in known:
            near = get_close_matches(str(key), known, n=1)
            hint = f"; did you mean {prefix}{near[0]!s}?" if near else ""
            problems.append(f"unknown key {name}{hint or '; known here: ' + ', '.join(known)}")
        elif is_dataclass(hints[key]):
            if isinstance(value, Mapping):
                checked[key] = _check(hints[key], value, f"{name}.", problems)
            elif value is not None:
                problems.append(f"{name} holds further keys; got: {value!r}")
        else:
            checked[key] = _scalar(hints[key], value, name, problems)
            _bounds(known[key].metadata, checked[key], name, problems)
    return checked


def _scalar(hint: Any, value: Any, name: str, problems: list[str]) -> Any:
    """Convert a value to its annotation, or note a problem and return None."""
    allowed = list(get_args(hint)) if get_origin(hint) in (Union, types.UnionType) else [hint]
    if value is None and type(None) in allowed:
        return None
    wanted = next(a for a in allowed if a is not type(None))
    origin = get_origin(wanted)
    if origin is list and isinstance(value, list):
        return [
            _scalar(get_args(wanted)[0], v, f"{name}[{i}]", problems) for i, v in enumerate(value)
        ]
    if origin is dict and isinstance(value, Mapping):
        return {
            str(k): _scalar(get_args(wanted)[1], v, f"{name}.{k}", problems)
            for k, v in value.items()
        }
    converted = _CONVERT[wanted](value) if wanted in _CONVERT else None
    if converted is None:
        kind = _KIND.get(origin or wanted, str(wanted))
        problems.append(f"{name} must be {kind}; got: {value!r}")
    return converted


def _number(value: Any) -> float | None:
    """A finite number: infinity and NaN are numbers for YAML, and for no option."""
    # YAML 1.1 reads 1e-4 as a word.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value  # a float would round what has more than 15 digits
    number = _number(value)
    return int(number) if number is not None and number.is_integer() else None


def _word(value: Any) -> str | None:
    return (
        str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    )


_CONVERT: Mapping[Any, Callable[[Any], Any]] = {
    int: _whole,
    float: _number,
    str: _word,
    bool: lambda value: value if isinstance(value, bool) else None,
}
_KIND = {
    int: "a whole number",
    float: "a number",
    str: "a word",
    bool: "true or false",
    list: "a list",
    dict: "keys with values",
}


def _bounds(metadata: Mapping[str, Any], value: Any, name: str, problems: list[str]) -> None:
    if value is None:
        return
    choices = metadata.get("choices")
    if choices and value not in choices:
        problems.append(f"{name} must be one of {', '.join(choices)}; got: {value!r}")
    low = metadata.get("low")
    if low is not None and not low <= value <= metadata["high"]:
        high = metadata["high"]
        span = f"{low} or more" if high == float("inf") else f"{low} to {high}"
        problems.append(f"{name} must be {span}; got: {value!r}")
