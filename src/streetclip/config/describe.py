"""Options as YAML with the sentence of each as a comment: what `--print-config` shows."""

import ast
import inspect
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import yaml

from streetclip.config import benchmark, data, schema


@cache
def sentences() -> dict[str, dict[str, str]]:
    """The sentence behind every option, by class name and field name, read from the source."""
    found: dict[str, dict[str, str]] = {}
    for module in (schema, data, benchmark):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                found[node.name] = dict(_documented(node))
    return found


def _documented(node: ast.ClassDef) -> list[tuple[str, str]]:
    pairs = []
    for field, text in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
        ):
            pairs.append((field.target.id, str(text.value.value)))
    return pairs


def describe(options: Any, *, indent: int = 0) -> str:
    """Options as commented YAML that `load_experiment` reads back to the same options.

    Args:
        options: An instance of a class of `config/schema.py`, or of one that it holds.
        indent: Spaces in front of every line.
    """
    pad = " " * indent
    texts = sentences()[type(options).__name__]
    lines = []
    for item in fields(options):
        value = getattr(options, item.name)
        lines.append(f"{pad}# {texts[item.name]}")
        if is_dataclass(value):
            lines.append(f"{pad}{item.name}:")
            lines.append(describe(value, indent=indent + 2).rstrip("\n"))
        else:
            lines.append(f"{pad}{item.name}: {_inline(value)}")
    return "\n".join(lines) + "\n"


def _inline(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
