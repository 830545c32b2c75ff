import csv
import re
from pathlib import Path

import open_clip
import pytest
from tests.conftest import REPOSITORY

from streetclip.captions.template import load_template
from streetclip.config.load import load_benchmark, load_experiment
from streetclip.geo.simplemaps import COLUMNS
from streetclip.model.spec import read_spec
from streetclip.zeroshot.defects import DEFECTS
from streetclip.zeroshot.document import read_document
from streetclip.zeroshot.protocol import load_protocol

FILES = sorted((REPOSITORY / "experiments").rglob("*.yaml"))
PRETRAIN = [file for file in FILES if "pretrain" in file.parts]
PROTOCOLS = [file for file in FILES if "protocols" in file.parts]
BENCHMARK = [file for file in FILES if "benchmark" in file.parts and file not in PROTOCOLS]
MODELS = sorted((REPOSITORY / "experiments").rglob("*.json"))
HEADER = ("Question", "Command", "Cost", "Expected")


def _name(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


def _header(file: Path) -> str:
    lines = file.read_text(encoding="utf-8").splitlines()
    end = next(number for number, line in enumerate(lines) if not line.startswith("#"))
    return "\n".join(lines[:end])


def test_every_file_is_one_to_pretrain_or_to_benchmark_with() -> None:
    assert len(PRETRAIN) >= 3
    assert len(BENCHMARK) >= 2
    assert len(PROTOCOLS) >= len(DEFECTS)
    assert sorted([*PRETRAIN, *BENCHMARK, *PROTOCOLS]) == FILES
    assert MODELS


@pytest.mark.parametrize("file", FILES, ids=_name)
def test_a_header_asks_and_answers(file: Path) -> None:
    header = _header(file)
    words = re.findall(r"^# (\w+): +(\S.*)$", header, flags=re.MULTILINE)
    assert tuple(word for word, _ in words)[:4] == HEADER
    command = dict(words)["Command"]
    assert command.startswith(("make pretrain", "make benchmark"))
    for named in re.findall(r"experiments/\S+?\.yaml", header):
        assert (REPOSITORY / named).is_file()
    if "quickstart" not in file.name:
        assert _name(file) in header


@pytest.mark.parametrize("file", PRETRAIN, ids=_name)
def test_an_experiment_names_what_is_there(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    options = load_experiment(file)
    assert options.name == file.stem
    load_protocol(options.evaluation.protocol)
    load_template(options.data.captions)
    if options.model.name.endswith(".json"):
        read_spec(Path(options.model.name))
    else:
        assert open_clip.get_model_config(options.model.name) is not None
    data = options.data
    assert data.batch_size % (data.micro_batch_size or 1) == 0


@pytest.fixture(scope="module")
def cities(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of cities with one in each state of the USA."""
    path = tmp_path_factory.mktemp("cities") / "worldcities.csv"
    states = read_document("reproduction-us-states").content["regions"]["split"]["US"]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        table.writerows((state, 40, -90, "US", state, 1, i) for i, state in enumerate(states))
    return path


@pytest.mark.parametrize("file", BENCHMARK, ids=_name)
def test_a_benchmark_names_what_is_there(
    file: Path, cities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(REPOSITORY)
    options = load_benchmark(file)
    assert options.protocols
    for protocol in options.protocols:
        load_protocol(protocol.replace("@worldcities.csv", f"@{cities}"))


@pytest.mark.parametrize("file", PROTOCOLS, ids=_name)
def test_a_protocol_mends_one_defect_or_all(file: Path, cities: Path) -> None:
    base = read_document(str(file)).content
    mended = load_protocol(f"{file}@{cities}")
    states = "reproduction-us-states" if mended.regions.split else "reproduction"
    before = set(load_protocol(states, cities=cities).defects)
    gone = before - set(mended.defects)
    assert mended.name == file.stem
    assert base["description"] == mended.description
    assert gone == before or gone == {file.stem.removeprefix("mended_")}


def test_every_defect_has_a_file_that_mends_it() -> None:
    assert {f"mended_{name}" for name in DEFECTS} <= {file.stem for file in PROTOCOLS}


@pytest.mark.parametrize("file", MODELS, ids=_name)
def test_a_model_of_ours_can_be_read_and_is_used_or_named(file: Path) -> None:
    assert read_spec(file).preprocess.height >= 64


def test_the_recipe_of_the_paper_has_its_numbers() -> None:
    options = load_experiment(REPOSITORY / "experiments/pretrain/streetclip_vit_l14_336.yaml")
    # 32 photographs x 3 GPUs x 12 accumulated passes.
    assert options.data.batch_size == 32 * 3 * 12
    assert options.data.micro_batch_size == 32
    # Each pass has its own softmax over its own 32 pairs: 31 negatives.
    assert (options.accumulate.mode, options.loss.negatives) == ("plain", "local")
    assert (options.optim.lr, options.optim.beta2, options.trainer.max_epochs) == (1e-6, 0.98, 3)
    assert options.data.shards.holdout_countries == ["IN", "CN"]
