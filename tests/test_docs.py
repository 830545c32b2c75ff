"""What the documents list is what the sources say."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

# Which argument of a call is a reason code.
PLACES = {
    **dict.fromkeys(("SampleError", "Unusable", "TarError"), 0),
    **dict.fromkeys(("Rejection", "refuse"), 1),
    "Problem": 2,
    "_bad": 3,
}
ROOMS = ("manifest", "shards", "captions", "data")
_CODE = re.compile(r"[a-z0-9]*(NAME)?_[a-z0-9_]*(NAME)?")


def _codes(tree: ast.AST) -> Iterator[str]:
    """Reason codes of a file; what is filled in at run time is NAME."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = PLACES.get(node.func.id, len(node.args))
            if place < len(node.args):
                yield from _texts(node.args[place])
        elif isinstance(node, ast.Yield) and isinstance(node.value, ast.Tuple):
            yield from _texts(node.value.elts[0])


def _texts(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "NAME" for part in node.values
        )


def _of_sources(repository: Path) -> set[str]:
    paths = [p for room in ROOMS for p in (repository / "src/streetclip" / room).rglob("*.py")]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in paths]
    return {code for tree in trees for code in _codes(tree) if _CODE.fullmatch(code)}


def _documented(repository: Path) -> set[str]:
    """The codes of all tables whose first column is called reason."""
    codes, inside = set(), False
    for line in (repository / "docs/data_format.md").read_text(encoding="utf-8").splitlines():
        inside = line.startswith("| reason |") or (inside and line.startswith("|"))
        if inside:
            codes |= set(re.findall(r"`([^`]+)`", line.split("|")[1]))
    return codes


def test_every_reason_code_of_the_sources_is_explained_and_no_other(repository: Path) -> None:
    documented, codes = _documented(repository), _of_sources(repository)
    assert len(codes) > 50
    forms = {code: re.compile(code.replace("NAME", "[a-zA-Z_]+")) for code in codes}
    pairs = [(code, name) for code in codes for name in documented if forms[code].fullmatch(name)]
    assert codes - {code for code, _ in pairs} == set()
    assert documented - {name for _, name in pairs} == set()
