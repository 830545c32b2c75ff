"""Nothing that a user was given by somebody else can make the package run code."""

import ast
import pickle
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.badthings.tars import BOMB, BOMB_MARK

from streetclip.captions.template import load_template
from streetclip.config.load import load_benchmark, load_experiment
from streetclip.errors import InputError
from streetclip.zeroshot.protocol import load_protocol

FORBIDDEN_IMPORTS = {"subprocess", "shelve", "marshal", "dill", "cloudpickle", "joblib", "commands"}
FORBIDDEN_CALLS = {
    *("eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "os.spawnv"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "pd.read_pickle"),
}
# Functions of libraries that unpickle where one does not see it, by the ends of their names.
UNPICKLING = {
    *("load_checkpoint", "load_state_dict", "load_openai_model", "create_model"),
    *("create_model_and_transforms", "create_model_from_pretrained", "load_big_vision_weights"),
}
UNPICKLING_CALLS = {
    *("torch.jit.load", "torch.hub.load", "torch.hub.load_state_dict_from_url"),
    *("torch.package.PackageImporter", "pd.read_hdf"),
}
UNPICKLING_METHODS = {"load_from_checkpoint"}
FORBIDDEN_KEYWORDS = {("shell", True), ("weights_only", False), ("allow_pickle", True)}
# The names of exceptions that reading without pickle raises.
HARMLESS = {"pickle.UnpicklingError", "pickle.PickleError"}
EXCEPTIONS = {
    "training/checkpoint.py: weights_only=False": "Lightning's word for a checkpoint that is to be "
    "saved with its optimizer; loading is done elsewhere, with True",
    "model/backbone.py: open_clip.factory.load_checkpoint": "after check_pickled has read the file "
    "with protection, which the next test holds it to",
    "zeroshot/document.py: yaml.load": "with a loader that is derived from SafeLoader",
}


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def _dangers(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            yield from (name for name in names if name.split(".")[0] in FORBIDDEN_IMPORTS)
            if isinstance(node, ast.ImportFrom) and node.module in ("pickle", "os", "yaml"):
                yield f"from {node.module} import"
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("open_clip"):
                taken = {alias.name for alias in node.names} & UNPICKLING
                yield from (f"{node.module}.{name}" for name in taken)
        elif isinstance(node, ast.Attribute) and _dotted(node).startswith("pickle."):
            if _dotted(node) not in HARMLESS:
                yield _dotted(node)
        elif isinstance(node, ast.Call):
            name = _dotted(node.func)
            is_open_clip = name.startswith("open_clip.") and name.split(".")[-1] in UNPICKLING
            is_method = (
                isinstance(node.func, ast.Attribute) and node.func.attr in UNPICKLING_METHODS
            )
            if name in FORBIDDEN_CALLS | UNPICKLING_CALLS or is_open_clip or is_method:
                yield name
            given = {word.arg: getattr(word.value, "value", None) for word in node.keywords}
            yield from (
                f"{name}={value}" for name, value in FORBIDDEN_KEYWORDS if given.get(name) is value
            )
            if _dotted(node.func) == "torch.load" and given.get("weights_only") is not True:
                yield "torch.load without weights_only=True"


def test_the_sources_neither_unpickle_nor_evaluate_nor_start_a_shell(repository: Path) -> None:
    package = repository / "src" / "streetclip"
    files = sorted(package.rglob("*.py"))
    assert len(files) > 100
    found = {
        f"{path.relative_to(package).as_posix()}: {danger}"
        for path in files
        for danger in _dangers(ast.parse(path.read_text(encoding="utf-8")))
    }
    assert found == EXCEPTIONS.keys()


def test_open_clip_gets_a_weight_file_only_after_it_was_read_with_protection(
    repository: Path,
) -> None:
    source = (repository / "src" / "streetclip" / "model" / "backbone.py").read_text("utf-8")
    (found,) = re.finditer(r"load_checkpoint\(", source)
    assert re.search(
        r"\n    check_pickled\((\w+), .*?\n        load_checkpoint\([\w.]+, str\(\1\)",
        source,
        re.DOTALL,
    ), source[found.start() :]


@pytest.mark.parametrize(
    "code",
    [
        "import subprocess",
        "from open_clip.factory import load_checkpoint",
        "from open_clip import create_model_and_transforms",
        "open_clip.load_checkpoint(model, path)",
        "open_clip.factory.load_state_dict(path)",
        "torch.hub.load_state_dict_from_url(url)",
        "torch.jit.load(path)",
        "StreetclipModule.load_from_checkpoint(path)",
        "from os import system",
        "pickle.loads(raw)",
        "from pickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text)",
        "run(words, shell=True)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
    ],
)
def test_the_search_finds_what_it_looks_for(code: str) -> None:
    assert list(_dangers(ast.parse(code)))


def test_what_other_tests_put_into_tars_would_leave_a_mark_if_it_were_unpickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pickle.loads(BOMB)
    assert (tmp_path / BOMB_MARK).exists()


LOADERS: dict[str, Callable[[Path], object]] = {
    "template": lambda path: load_template(str(path)),
    "protocol": lambda path: load_protocol(str(path)),
    "experiment": load_experiment,
    "benchmark": lambda path: load_benchmark(path, []),
    "argument": lambda path: load_benchmark(None, [f"data={path.read_text().strip()}"]),
}


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch mark']",
        "!!python/object/apply:builtins.open ['mark', 'w']",
        "!!python/object/apply:pathlib.Path.touch [!!python/object/apply:pathlib.Path [mark]]",
        "!!python/object/new:os.system ['touch mark']",
        "!!python/name:os.system",
        "!!python/module:os",
    ],
)
def test_no_yaml_runs_code(
    loader: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for document in (text, f"name: {text}", f"- {text}"):
        (tmp_path / "mine.yaml").write_text(f"{document}\n")
        with pytest.raises(InputError, match=r"YAML|no such file|problem"):
            LOADERS[loader](tmp_path / "mine.yaml")
        assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]
