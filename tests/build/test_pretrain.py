import csv
import json
import shutil
from pathlib import Path

import pytest
import torch
from tests.badserver import BadServer
from tests.conftest import Finished
from tests.tinyprobe import write_tiny_probe
from tests.tinyrun import tiny_experiment

from streetclip.build.pretrain import pretrain
from streetclip.config.load import load_experiment
from streetclip.errors import CheckpointError, ConfigError, InputError, ProbeError


def _rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_everything_a_reader_needs(finished: Finished) -> None:
    run = finished.run
    assert run == finished.folder / "runs" / "tiny" / "001"
    assert json.loads((run / "status.json").read_text())["status"] == "finished"
    names = {p.name for p in (run / "checkpoints").iterdir()}
    assert {"best.ckpt", "epoch=002-step=000010.ckpt"} <= names
    for moment in ("epoch=000", "epoch=001", "epoch=002"):
        folder = run / "evaluations" / moment / "val"
        assert {p.name for p in folder.iterdir()} == {
            "map.png",
            "predictions.parquet",
            "report.html",
            "report.md",
            "results.json",
        }
    assert len((run / "samples.jsonl").read_text().splitlines()) == 10
    losses = [row["train/loss"] for row in _rows(run) if row["train/loss"]]
    assert len(losses) == 10
    evaluated = [row for row in _rows(run) if row["zeroshot/val/country_accuracy"]]
    assert [row["step"] for row in evaluated] == ["0", "5", "10"]
    assert "timing/samples_per_s" in (run / "timing.csv").read_text().splitlines()[0]
    assert any((run / "tensorboard").iterdir())


def test_the_resolved_config_names_the_built_shard_sets(finished: Finished) -> None:
    resolved = load_experiment(finished.run / "config.yaml")
    assert (Path(resolved.data.source) / "shards.json").is_file()
    assert (Path(str(resolved.data.val_source)) / "shards.json").is_file()
    assert resolved.name == "tiny"


def test_checkpoints_hold_the_places_trained_on_in_plain_types(finished: Finished) -> None:
    path = finished.run / "checkpoints" / "best.ckpt"
    facts = torch.load(path, weights_only=True)["streetclip_run"]
    shards = json.loads(next(finished.folder.glob("shards/*/train/all/shards.json")).read_text())
    assert facts["countries"] == sorted(shards["countries"])
    assert facts["towns"] == sorted(shards["towns"])
    assert len(facts["countries"]) == 8
    assert facts["ema_decay"] == 0.5
    assert all(town.split("/")[0] in facts["countries"] for town in facts["towns"])


def test_a_second_run_has_the_same_losses_and_its_own_folder(finished: Finished) -> None:
    run = pretrain(load_experiment(finished.experiment))
    try:
        assert run.name != finished.run.name
        assert (run / "metrics.csv").read_text() == (finished.run / "metrics.csv").read_text()
    finally:
        shutil.rmtree(run)


def test_a_run_that_was_stopped_continues_with_the_same_losses(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = load_experiment(
        finished.experiment, [f"runs_dir={tmp_path}", "trainer.loggers=[csv]"]
    )
    from streetclip.model.module import StreetclipModule

    original = StreetclipModule.training_step

    def stops(self: StreetclipModule, batch: dict[str, object], batch_idx: int) -> None:
        if self.trainer.global_step == 8:
            raise RuntimeError("the power went out")
        original(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(StreetclipModule, "training_step", stops)
        with pytest.raises(RuntimeError, match="the power went out"):
            pretrain(options)
    status = json.loads((tmp_path / "tiny" / "001" / "status.json").read_text())
    assert status["status"] == "failed"
    assert "the power went out" in status["reason"]
    run = pretrain(options, resume="auto")
    assert run == tmp_path / "tiny" / "001"
    assert (run / "metrics.csv").read_text() == (finished.run / "metrics.csv").read_text()
    assert (run / "samples.jsonl").read_text() == (finished.run / "samples.jsonl").read_text()


def test_a_run_over_a_server_that_drops_connections_is_the_local_one(
    finished: Finished, tmp_path: Path
) -> None:
    (folder,) = finished.folder.glob("shards/sample-world-*")
    with BadServer(folder, drop_every=5, seed=1) as server:
        options = load_experiment(
            finished.experiment,
            [
                *(f"data.source={server.url}/train", f"data.val_source={server.url}/val"),
                *(f"runs_dir={tmp_path}/runs", f"data.remote.cache_dir={tmp_path}/cache"),
                *("data.remote.tries=10", "trainer.loggers=[csv]"),
            ],
        )
        run = pretrain(options)
        assert 0 in {request.status for request in server.requests}
    for name in ("metrics.csv", "samples.jsonl"):
        assert (run / name).read_text() == (finished.run / name).read_text()
    resolved = load_experiment(run / "config.yaml")
    assert resolved.data.source == f"{server.url}/train/all"
    status = json.loads((run / "status.json").read_text())
    assert (
        status["fingerprint"]
        == json.loads((finished.run / "status.json").read_text())["fingerprint"]
    )


def test_auto_begins_a_new_run_where_none_is_unfinished(
    finished: Finished, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", logger="streetclip"):
        run = pretrain(load_experiment(finished.experiment), resume="auto")
    shutil.rmtree(run)
    assert run != finished.run
    assert "is finished" in caplog.text


def test_a_run_watches_what_it_forgets_and_may_keep_the_best_by_it(
    finished: Finished, tmp_path: Path
) -> None:
    probe = write_tiny_probe(tmp_path / "probe", each=1)
    options = load_experiment(
        finished.experiment,
        [
            f"runs_dir={tmp_path}/runs",
            f"evaluation.probe.source={probe}",
            "evaluation.probe.templates=['a {label} thing', '{label}']",
            "evaluation.max_photos=2",
            "checkpoint.monitor=probe/accuracy",
            "trainer.max_epochs=1",
            "trainer.loggers=[csv]",
        ],
    )
    run = pretrain(options)
    accuracy = {row["step"]: row["probe/accuracy"] for row in _rows(run) if row["probe/accuracy"]}
    assert list(accuracy) == ["0", "5"]
    told = json.loads((run / "evaluations/epoch=001/probe.json").read_text())
    assert told["prompts"] == ["a {label} thing", "{label}"]
    assert float(accuracy["5"]) == told["values"]["accuracy"]["value"]
    assert (run / "checkpoints" / "best.ckpt").is_file()


def test_a_damaged_photograph_of_the_probe_set_leaves_no_run_folder(
    finished: Finished, tmp_path: Path
) -> None:
    probe = write_tiny_probe(tmp_path / "probe", each=1)
    (probe / "red/0.png").write_text("no image")
    words = [f"runs_dir={tmp_path}/runs", f"evaluation.probe.source={probe}"]
    with pytest.raises(ProbeError, match=r"cannot be read; got: 1 of 3: red/0.png"):
        pretrain(load_experiment(finished.experiment, words))
    assert not (tmp_path / "runs").exists()


def test_a_folder_without_a_checkpoint_cannot_be_resumed(
    finished: Finished, tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="nothing to resume in"):
        pretrain(load_experiment(finished.experiment), resume=str(tmp_path))


def test_the_checkpoint_of_another_model_is_refused(finished: Finished, tmp_path: Path) -> None:
    other = json.loads((finished.folder / "model.json").read_text())
    other["vision_cfg"]["width"] = 48
    (tmp_path / "other.json").write_text(json.dumps(other))
    options = load_experiment(
        finished.experiment,
        [
            f"model.name={tmp_path}/other.json",
            f"model.start_from={finished.run}/checkpoints/best.ckpt",
        ],
    )
    with pytest.raises(ConfigError, match=r"vision_cfg.width is 48 in the model and 32"):
        pretrain(options)


def test_all_that_is_missing_is_named_before_anything_is_written(tmp_path: Path) -> None:
    options = tiny_experiment(
        tmp_path,
        "data.source=nowhere.csv",
        "data.captions=poems",
        "evaluation.protocol=atlantis",
        "model.name=ViT-B-23",
        "data.lanes=3",
        "trainer.loggers=[csv,paper]",
    )
    with pytest.raises(ConfigError, match="has 6 problems"):
        pretrain(options)
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "shards").exists()


def test_too_few_photographs_for_a_batch_leave_no_run_folder(tmp_path: Path) -> None:
    options = tiny_experiment(tmp_path, "data.batch_size=64")
    with pytest.raises(InputError, match="40"):
        pretrain(options)
    assert not (tmp_path / "runs").exists()


def test_a_warm_up_longer_than_the_run_leaves_no_run_folder(tmp_path: Path) -> None:
    options = tiny_experiment(tmp_path, "optim.warmup_steps=50")
    with pytest.raises(InputError, match="warm-up is 50 steps; allowed: 0 to 10"):
        pretrain(options)
    assert not (tmp_path / "runs").exists()
