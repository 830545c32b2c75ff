import csv
import json
from pathlib import Path

import pytest
import torch
from tests.forkedrun import TinyRun
from tests.tinyprobe import write_tiny_probe

from streetclip.evaluation.probe import measure_probe
from streetclip.evaluation.probe_set import ProbeSet, checked, find_probe
from streetclip.model.backbone import create_backbone
from streetclip.model.weights import load_backbone
from streetclip.training.checkpoint_io import read_checkpoint
from streetclip.training.probe import ProbeCallback, sentence


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> ProbeSet:
    return checked(find_probe(write_tiny_probe(tmp_path_factory.mktemp("probe") / "set")))


def _run(shards: Path, folder: Path, probe: ProbeSet, **options: object) -> TinyRun:
    callback = ProbeCallback(
        probe, folder=folder / "evaluations", batch_size=5, resamples=10, every_n_steps=3
    )
    given: dict[str, object] = {"callbacks": (callback,), "epochs": 1, **options}
    return TinyRun(shards, folder, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def watched(
    tiny_shards: Path, probe: ProbeSet, tmp_path_factory: pytest.TempPathFactory
) -> TinyRun:
    run = _run(tiny_shards, tmp_path_factory.mktemp("watched") / "run", probe, epochs=2)
    run.go()
    return run


def _logged(run: TinyRun, name: str) -> list[tuple[int, float]]:
    with (run.folder / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [(int(row["step"]), float(row[name])) for row in rows if row.get(name)]


def test_it_asks_before_the_first_step_after_epochs_and_every_n_steps(watched: TinyRun) -> None:
    assert [step for step, _ in _logged(watched, "probe/accuracy")] == [0, 3, 4, 6, 8]
    names = sorted(path.parent.name for path in watched.folder.glob("evaluations/*/probe.json"))
    assert names == ["epoch=000", "epoch=001", "epoch=002", "step=000003", "step=000006"]


def test_it_measures_the_weights_that_checkpoints_export(watched: TinyRun, probe: ProbeSet) -> None:
    (path,) = watched.checkpoints.glob("epoch=002-*.ckpt")
    start = measure_probe(create_backbone(str(watched.folder / "tiny.json"), seed=7), probe)
    result = measure_probe(load_backbone(path), probe, start=start.ranks, resamples=10)
    logged = dict(_logged(watched, "probe/accuracy")), dict(_logged(watched, "probe/forgotten"))
    assert logged[0][8] == result.values["accuracy"].value
    assert logged[0][0] == start.values["accuracy"].value
    assert logged[1][0] == 0.0
    assert logged[1][8] == pytest.approx(logged[0][0] - logged[0][8])
    content = json.loads((watched.folder / "evaluations/epoch=002/probe.json").read_text())
    assert content["weights_digest"] == read_checkpoint(path)["streetclip"]["weights_digest"]
    assert content["values"]["accuracy"]["low"] == result.values["accuracy"].low
    assert content["probe_digest"] == probe.digest


def test_watching_changes_no_bit_of_the_training(
    watched: TinyRun, tiny_shards: Path, tmp_path: Path
) -> None:
    plain = TinyRun(tiny_shards, tmp_path / "plain")
    plain.go()
    assert _logged(plain, "train/loss") == _logged(watched, "train/loss")


def test_a_resumed_run_still_counts_from_its_start(
    watched: TinyRun, tiny_shards: Path, probe: ProbeSet, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    _run(tiny_shards, folder, probe).go()
    _run(tiny_shards, folder, probe, epochs=2).go()
    for name in ("probe/accuracy", "probe/forgotten", "probe/forgotten_low"):
        run = TinyRun(tiny_shards, folder)
        assert _logged(run, name) == _logged(watched, name)


def test_another_probe_set_is_not_compared_with_the_old_start(
    tiny_shards: Path, probe: ProbeSet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "run"
    _run(tiny_shards, folder, probe).go()
    other = checked(find_probe(write_tiny_probe(tmp_path / "set", each=2)))
    _run(tiny_shards, folder, other, epochs=2).go()
    assert "knows no answers of the start model on this probe set" in caplog.text
    run = TinyRun(tiny_shards, folder)
    assert [step for step, _ in _logged(run, "probe/accuracy")] == [0, 3, 4, 6, 8]
    assert [step for step, _ in _logged(run, "probe/forgotten")] == [0, 3, 4]


@pytest.mark.distributed
def test_two_ranks_count_each_photograph_once(
    watched: TinyRun, tiny_shards: Path, probe: ProbeSet, tmp_path: Path
) -> None:
    run = _run(tiny_shards, tmp_path / "run", probe, ranks=2)
    assert run.fork() == [0, 0]
    first = "evaluations/epoch=000/probe.json"
    assert (run.folder / first).read_text() == (watched.folder / first).read_text()


def test_a_checkpoint_reads_without_code(watched: TinyRun) -> None:
    (path,) = watched.checkpoints.glob("epoch=002-*.ckpt")
    (state,) = (
        value for key, value in read_checkpoint(path)["callbacks"].items() if "Probe" in key
    )
    assert isinstance(state["start"], torch.Tensor)
    assert len(state["start"]) == 12


def test_the_log_says_it_in_words(watched: TinyRun, probe: ProbeSet) -> None:
    model = create_backbone(str(watched.folder / "tiny.json"), seed=7)
    result = measure_probe(model, probe)
    text = sentence(result)
    assert text.startswith("probe set of 3 labels, 12 photographs: right ")
    assert f"{100 * (result.values['accuracy'].value or 0):.1f} % (" in text
