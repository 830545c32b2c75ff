from pathlib import Path

from streetclip.config.describe import describe, sentences
from streetclip.config.load import load_experiment, to_plain
from streetclip.config.schema import Experiment


def test_described_options_read_back_as_the_same_options(tmp_path: Path) -> None:
    options = Experiment()
    options.evaluation.sets = {"a b": "x: y"}
    options.optim.lr = 3.0e-7
    path = tmp_path / "again.yaml"
    path.write_text(describe(options))
    assert to_plain(load_experiment(path)) == to_plain(options)


def test_every_option_has_its_sentence() -> None:
    text = describe(Experiment())
    assert "# Peak learning rate." in text
    for options in sentences().values():
        assert all(sentence.endswith(".") for sentence in options.values())
