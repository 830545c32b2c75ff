from pathlib import Path

import pytest
from tests.commandline import command
from tests.conftest import Finished
from tests.tinyprobe import write_tiny_probe


@pytest.fixture
def line(finished: Finished) -> tuple[str, ...]:
    """The start and the best checkpoint of the finished run, and its validation photographs."""
    return (
        f"open_clip:{finished.folder}/model.json",
        str(finished.run / "checkpoints" / "best.ckpt"),
        f"runs_dir={finished.folder}/runs",
        "bootstrap=10",
    )


@pytest.fixture(autouse=True)
def _plain_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and maps take most of the time, and have tests of their own."""
    monkeypatch.setattr("streetclip.build.measuring.write_report", lambda *_, **__: None)


def test_the_curve_is_printed_and_the_kept_model_can_be_measured(
    line: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "001"
    words = ("--alphas", "0.5", "--save", "0.5", "--out", out, "--no-cache")
    probe = write_tiny_probe(tmp_path / "probe", each=1)
    answer = command(
        "interpolate", *line, *words, "--probe", probe, "--template", "a {label} thing"
    )
    assert (answer.code, answer.err) == (0, "")
    for part in ("From the start (alpha 0) to the tuned model (alpha 1)", "right", "forgotten"):
        assert part in answer.out
    assert f"curve: {out}\nmodel: {out}/alpha-0.5.ckpt" in answer.out
    again = ("--model", out / "alpha-0.5.ckpt", "--out", tmp_path / "again", *line[2:])
    assert command("benchmark", *again).code == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--alphas", "2"), "an alpha lies beyond both models; got: 2"),
        (("--probe", "absent"), "probe set absent is not there"),
        (("--save-best-by", "speed"), "'speed' is the name of no number of the curve"),
        (("--alphas", "half"), "argument --alphas: invalid float value: 'half'"),
        (("--unknown", "x"), "unrecognized arguments: --unknown"),
        (("batch_size=0",), "batch_size must be 1 or more"),
        (("--data", "absent.csv"), "no such source: absent.csv"),
    ],
)
def test_wrong_words_are_named(
    line: tuple[str, ...], given: tuple[str, ...], message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    answer = command("interpolate", *line, *given)
    assert answer.code == 2
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_two_models_are_needed(tmp_path: Path) -> None:
    answer = command("interpolate", tmp_path / "one.ckpt")
    assert answer.code == 2
    assert "the following arguments are required: TUNED" in answer.err
