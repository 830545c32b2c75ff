import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commandline import command
from tests.conftest import Finished
from tests.realcommand import environment
from tests.tinybench import write_tiny_bench

from streetclip.evaluation.result import read_result


@pytest.fixture
def words(finished: Finished) -> tuple[str, ...]:
    """What points the command at the finished run."""
    return (f"runs_dir={finished.folder}/runs", "bootstrap=20")


def test_the_newest_run_is_measured_and_the_table_printed(
    finished: Finished, words: tuple[str, ...], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    answer = command("benchmark", *words, "--out", out)
    assert (answer.code, answer.err) == (0, "")
    assert f"run: {finished.run}" in answer.out
    assert "Zero-shot geolocation on val (12 photographs)" in answer.out
    assert "within 2500 km" in answer.out
    assert f"result: {out}" in answer.out
    assert {"results.json", "predictions.parquet", "report.md"} <= {p.name for p in out.iterdir()}
    shown = read_result(out).values["median_km"].value
    assert shown is not None
    assert f"{shown:,.0f} km" in answer.out


def test_a_file_and_options_may_stand_in_any_order(
    finished: Finished, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "mine.yaml"
    file.write_text("seed: 3\nprotocol: absent\nbootstrap: 1000\n")
    protocol = f"protocol={finished.folder}/protocol.yaml"
    # 001 and 1e3 are numbers for YAML, and folders for us.
    for number, order in enumerate(
        [
            ("--out", "001", file, *words, protocol),
            (file, "--run", finished.run, *words, "--out", "1e3", protocol),
            (protocol, "--out", "2_0", *words, file),
        ]
    ):
        answer = command("benchmark", *order)
        assert (answer.code, answer.err) == (0, "")
        result = read_result(tmp_path / ("001", "1e3", "2_0")[number])
        assert (result.seed, result.resamples) == (3, 20)


def test_a_model_can_be_measured_on_any_table(
    finished: Finished, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    table = next(finished.folder.glob("shards/*/photographs/val/photos.csv"))
    answer = command(
        "benchmark",
        *("--model", finished.run / "checkpoints" / "best.ckpt"),
        *("--data", table),
        *("--protocol", finished.folder / "protocol.yaml"),
        *("--out", tmp_path / "out"),
        *("bootstrap=20", f"shards_dir={tmp_path}/shards", "max_side_px=3"),
    )
    assert answer.code == 2
    assert "unknown key max_side_px" in answer.err
    answer = command(
        "benchmark",
        *("--model", finished.run / "checkpoints" / "best.ckpt"),
        *("--data", table),
        *("--protocol", finished.folder / "protocol.yaml"),
        *("--out", tmp_path / "out"),
        *("bootstrap=20", f"shards_dir={tmp_path}/shards"),
    )
    assert answer.code == 0
    content = json.loads((tmp_path / "out" / "results.json").read_text())
    assert content["photos"] == 12


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("absent.yaml",), "no such file: absent.yaml"),
        (("protokol=paper",), "unknown key protokol; did you mean protocols?"),
        (("one.yaml", "two.yaml"), "'two.yaml' is no key=value argument"),
        (("--protocol", "atlantis"), "no such file, and shipped are only paper, quickstart,"),
        (("--run", "absent"), "no such file: absent/config.yaml"),
        (("--model", "absent.ckpt", "--data", "x"), "no checkpoint 'absent.ckpt'"),
        (("--model", "ViT-B-23", "--data", "x"), "nearest: ViT-B-32"),
        (("accelerator=tpu",), "accelerator; got: tpu; allowed: auto, cpu, gpu"),
        (("bootstrap=1",), "bootstrap must be 10 or more"),
        (("--data", "absent.csv"), "no such source: absent.csv"),
        (("--unknown", "x"), "unrecognized arguments: --unknown"),
    ],
)
def test_wrong_words_are_named(
    words: tuple[str, ...], given: tuple[str, ...], message: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    answer = command("benchmark", *words, *given)
    assert answer.code == 2
    assert message in answer.err
    assert list(tmp_path.iterdir()) == []


def test_models_sets_and_protocols_may_be_repeated(
    finished: Finished, words: tuple[str, ...], tmp_path: Path
) -> None:
    (folder,) = finished.folder.glob("shards/sample-world-*/val")
    asked = (
        "benchmark",
        *("--model", finished.run / "checkpoints" / "best.ckpt"),
        *("--model", f"open_clip:{finished.folder}/model.json"),
        *("--data", f"here={folder}", "--data", f"there={folder}"),
        *("--protocol", finished.folder / "protocol.yaml", "--out", tmp_path / "out"),
        *("--cache", tmp_path / "cache", *words),
    )
    answer = command(*asked)
    assert (answer.code, answer.err) == (0, "")
    for name in ("here (12 photographs)", "there (12 photographs)", "tiny-001-best", "model"):
        assert name in answer.out
    assert answer.out.rstrip().endswith(f"result: {tmp_path}/out")
    tables = (tmp_path / "out" / "tables.md").read_text()
    assert "[model](here--model--protocol/report.md)" in tables
    assert {path.name.split("-")[0] for path in (tmp_path / "cache").glob("*.safetensors")} == {
        "set",
        "text",
    }
    again = command(*asked)
    assert again.code == 0
    assert again.out.count("finished already") == 4
    assert (tmp_path / "out" / "tables.md").read_text() == tables


def test_no_features_are_kept_where_none_are_wanted(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    answer = command("benchmark", *words, "--no-cache", "--out", tmp_path / "out")
    assert answer.code == 0
    assert not (tmp_path / "cache").exists()


@pytest.mark.slow
@pytest.mark.distributed
def test_two_processes_give_the_result_of_one(tmp_path: Path) -> None:
    bench = write_tiny_bench(tmp_path)
    given = [
        *("benchmark", f"model={bench.models[0]}", f"protocol={bench.protocols[0]}"),
        *(f"data={bench.sets[0]}", "accelerator=cpu", "batch_size=32", "bootstrap=20"),
    ]
    assert command(*given, "--out", tmp_path / "1", "--no-cache").code == 0
    together = ["--out", str(tmp_path / "2"), "--devices", "2", "--cache", str(tmp_path / "cache")]
    started = subprocess.run(
        [sys.executable, "-m", "streetclip", *given, *together],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert started.returncode == 0, started.stderr
    assert started.stdout.count("result: ") == 1
    alone, shared = (read_result(tmp_path / name) for name in "12")
    assert alone == shared
    assert alone.predictions.equals(shared.predictions)
    kept = sorted(path.name.split("-")[0] for path in (tmp_path / "cache").glob("*.safetensors"))
    assert kept == ["set", "text"]
