from dataclasses import asdict
from pathlib import Path

import pytest

from streetclip.config.load import load_benchmark, load_experiment, to_plain
from streetclip.errors import ConfigError


def _write(folder: Path, text: str) -> Path:
    path = folder / "trial.yaml"
    path.write_text(text)
    return path


def test_file_and_arguments_override_the_defaults_in_this_order(tmp_path: Path) -> None:
    path = _write(tmp_path, "seed: 7\noptim: {lr: 1e-4, clip_norm: null}\n")
    options = load_experiment(path, ["optim.lr=5e-4", "data.batch_size=64"])
    assert options.seed == 7
    assert options.optim.lr == 5e-4
    assert options.optim.clip_norm is None
    assert options.data.batch_size == 64
    assert options.optim.beta2 == 0.98


def test_an_experiment_without_a_name_is_called_like_its_file(tmp_path: Path) -> None:
    assert load_experiment(_write(tmp_path, "seed: 1\n")).name == "trial"
    assert load_experiment(_write(tmp_path, "name: other\n")).name == "other"


def test_all_problems_are_reported_together_with_the_nearest_key(tmp_path: Path) -> None:
    path = _write(
        tmp_path,
        "sed: 1\n"
        "data: {batchsize: 3, workers: many, order: sorted, window: 0}\n"
        "trainer: 5\n"
        "optim: {lr: [1]}\n"
        "trainer2: {}\n",
    )
    with pytest.raises(ConfigError, match="has 8 problems") as caught:
        load_experiment(path)
    text = str(caught.value)
    assert "unknown key sed; did you mean seed?" in text
    assert "unknown key data.batchsize; did you mean data.batch_size?" in text
    assert "data.workers must be a whole number; got: 'many'" in text
    assert "data.order must be one of planned, resampled; got: 'sorted'" in text
    assert "data.window must be 1 or more; got: 0" in text
    assert "trainer holds further keys; got: 5" in text
    assert "optim.lr must be a number; got: [1]" in text
    assert "unknown key trainer2; did you mean trainer?" in text


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("seed", "'seed' is no key=value argument"),
        ("seed=1.5", "seed must be a whole number; got: 1.5"),
        ("seed=true", "seed must be a whole number; got: True"),
        ("data.log_samples=1", "data.log_samples must be true or false; got: 1"),
        ("trainer.loggers=csv", "trainer.loggers must be a list; got: 'csv'"),
        ("trainer.loggers=[[1]]", "trainer.loggers\\[0\\] must be a word"),
        ("evaluation.sets=3", "evaluation.sets must be keys with values; got: 3"),
        ("seed=.inf", "seed must be a whole number; got: inf"),
        ("seed=-.inf", "seed must be a whole number; got: -inf"),
        ("seed=.nan", "seed must be a whole number; got: nan"),
        ("seed=1e999", "seed must be a whole number; got: "),
        ("data.batch_size=.inf", "data.batch_size must be a whole number; got: inf"),
        ("optim.lr=.inf", "optim.lr must be a number; got: inf"),
        ("optim.lr=nan", "optim.lr must be a number; got: 'nan'"),
        (f"optim.lr={10**400}", "optim.lr must be a number; got: 1000"),
        ("seed=null", "seed must be a whole number; got: None"),
        ("optim.beta1=1.5", "optim.beta1 must be 0.0 to 1.0; got: 1.5"),
        ("zzz=1", "unknown key zzz; known here: name, seed"),
    ],
)
def test_a_wrong_argument_is_named(tmp_path: Path, argument: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_experiment(_write(tmp_path, "seed: 1\n"), [argument])


def test_a_large_whole_number_keeps_all_its_digits(tmp_path: Path) -> None:
    file = _write(tmp_path, f"seed: {2**60 + 1}\n")
    assert load_experiment(file).seed == 2**60 + 1


def test_a_missing_file_names_the_files_that_are_there(tmp_path: Path) -> None:
    _write(tmp_path, "seed: 1\n")
    with pytest.raises(ConfigError, match=r"no such file: .*absent.yaml; files there: .*trial"):
        load_experiment(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match="no such file"):
        load_experiment(tmp_path / "no" / "absent.yaml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seed: [1\n", "not readable as YAML"),
        ("- 1\n", "must hold keys"),
        ("seed: ${nowhere}\n", "nowhere"),
    ],
)
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_experiment(_write(tmp_path, text))


def test_yaml_cannot_run_code(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    path = _write(tmp_path, f"name: !!python/object/apply:os.system ['touch {mark}']\n")
    with pytest.raises(ConfigError, match="not readable as YAML"):
        load_experiment(path)
    assert not mark.exists()


def test_sets_and_lists_are_kept(tmp_path: Path) -> None:
    path = _write(tmp_path, "evaluation: {sets: {city: a/b}}\ntrainer: {loggers: [csv]}\n")
    options = load_experiment(path)
    assert options.evaluation.sets == {"city": "a/b"}
    assert options.trainer.loggers == ["csv"]


def test_plain_options_hold_only_plain_types(tmp_path: Path) -> None:
    options = load_experiment(_write(tmp_path, "seed: 1\n"))
    assert to_plain(options) == asdict(options)


def test_benchmark_options_need_no_file() -> None:
    assert load_benchmark(None, ["protocol=paper"]).protocols == ["paper"]
    with pytest.raises(ConfigError, match="the arguments has 1 problem"):
        load_benchmark(None, ["protokol=paper"])


@pytest.mark.parametrize(
    ("text", "arguments", "expected"),
    [
        ("model: a\ndata: b\nprotocol: c\n", [], (["a"], ["b"], ["c"])),
        ("models: [a, b]\ndata: [c, d=e]\n", [], (["a", "b"], ["c", "d=e"], [])),
        ("models: [a, b]\nprotocols: [c, d]\n", ["model=e", "protocol=f"], (["e"], [], ["f"])),
        ("model: a\n", ["models=[b,c]", "data=null"], (["b", "c"], [], [])),
        ("data: 001\n", ["data=[1, '2']"], ([], ["1", "2"], [])),
    ],
)
def test_what_a_benchmark_measures_is_one_word_or_a_list(
    tmp_path: Path, text: str, arguments: list[str], expected: tuple[list[str], ...]
) -> None:
    options = load_benchmark(_write(tmp_path, text), arguments)
    assert (options.models, options.data, options.protocols) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: a\nmodels: [b]\n", "model and models are both given: models lists all"),
        ("data: [[1]]\n", r"data\[0\] must be a word; got: \[1\]"),
        ("protocols: paper\n", "protocols must be a list; got: 'paper'"),
        ("data: {a: b}\n", r"data\[0\] must be a word; got: {'a': 'b'}"),
        ("precision: 16-mixed\n", "precision must be one of 32-true, bf16-mixed; got"),
        ("devices: [1]\n", r"devices must be a word; got: \[1\]"),
    ],
)
def test_what_a_benchmark_cannot_measure_is_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_benchmark(_write(tmp_path, text))
