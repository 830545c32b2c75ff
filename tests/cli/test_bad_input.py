"""What a user gets wrong: each has a message that says how to mend it, and exit code 2."""

import json
from pathlib import Path

import pytest
from tests.commandline import command
from tests.conftest import Finished
from tests.sources import write_osv5m, write_table
from tests.tinyrun import PROTOCOL


@pytest.fixture
def pretrain(finished: Finished, tmp_path: Path) -> tuple[object, ...]:
    """Words that train the tiny experiment, writing below tmp_path alone."""
    return (
        "pretrain",
        finished.experiment,
        f"runs_dir={tmp_path}/runs",
        f"data.shards_dir={tmp_path}/shards",
    )


def _refused(*words: object) -> str:
    answer = command(*words)
    assert answer.code == 2
    assert "Traceback" not in answer.err
    return answer.err


def test_no_such_experiment(finished: Finished) -> None:
    error = _refused("pretrain", finished.folder / "absent.yaml")
    assert f"no such file: {finished.folder}/absent.yaml" in error
    assert f"files there: {finished.folder}/" in error


def test_misspelt_key(pretrain: tuple[object, ...], tmp_path: Path) -> None:
    error = _refused(*pretrain, "optim.learning_rate=1", "data.batchsize=8", "seed=x")
    assert "has 3 problems" in error
    assert "unknown key data.batchsize; did you mean data.batch_size?" in error
    assert "seed must be a whole number; got: 'x'" in error
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    file = tmp_path / "latin.yaml"
    file.write_bytes("name: é\n".encode("latin-1"))
    assert f"{file} has 1 problem:\n  1. not readable as YAML" in _refused("pretrain", file)


def test_empty_folder(pretrain: tuple[object, ...], tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    for words in (
        (*pretrain, f"data.source={empty}"),
        (*pretrain, f"data.source={empty}", "data.order=resampled"),
        ("shards", "build", empty, tmp_path / "out"),
    ):
        error = _refused(*words)
        assert f"{empty} holds no photographs" in error
        assert "give a folder of photographs with EXIF GPS, or a CSV or Parquet file" in error
    assert {path.name for path in tmp_path.iterdir()} == {"empty"}


def test_table_without_latitude(pretrain: tuple[object, ...], tmp_path: Path) -> None:
    table = tmp_path / "photos.csv"
    table.write_text("image,longitude\na.jpg,2\n")
    for words in (
        (*pretrain, f"data.source={table}"),
        ("shards", "build", table, tmp_path / "out"),
    ):
        error = _refused(*words)
        assert str(table) in error
        assert "latitude" in error
        assert "got: image, longitude" in error


def test_a_table_where_every_latitude_is_95(pretrain: tuple[object, ...], tmp_path: Path) -> None:
    table = write_table(tmp_path / "source", 0, lines=("a.jpg,95,2", "b.jpg,-95,2"))
    for words in (
        (*pretrain, f"data.source={table}"),
        ("shards", "build", table, tmp_path / "out"),
    ):
        error = _refused(*words)
        assert f"not one of the 2 photographs of {table} can be used" in error
        assert "a.jpg" in error
        assert "95" in error
        assert "latitude (-90 to 90)" in error


def test_checkpoint_of_another_model(
    finished: Finished, pretrain: tuple[object, ...], tmp_path: Path
) -> None:
    config = json.loads((finished.folder / "model.json").read_text())
    config["vision_cfg"]["width"] = 48
    other = tmp_path / "other.json"
    other.write_text(json.dumps(config))
    checkpoint = finished.run / "checkpoints" / "best.ckpt"
    error = _refused(*pretrain, f"model.name={other}", f"model.start_from={checkpoint}")
    assert "vision_cfg.width is 48 in the model and 32 in the checkpoint" in error
    assert "use model.name: " in error


def test_a_run_that_another_experiment_cannot_continue_stays_as_it_was(
    finished: Finished, tmp_path: Path
) -> None:
    files = ("status.json", "metrics.csv", "samples.jsonl")
    before = [(finished.run / name).read_bytes() for name in files]
    config = json.loads((finished.folder / "model.json").read_text())
    config["text_cfg"]["width"] = 48
    other = tmp_path / "other.json"
    other.write_text(json.dumps(config))
    words = ("pretrain", finished.experiment, "--resume", finished.run)
    error = _refused(*words, f"model.name={other}")
    assert "the checkpoint belongs to another model" in error
    assert "text_cfg.width is 48 in the model and 32 in the checkpoint" in error
    assert "seed: 42 there, 3 here" in _refused(*words, "seed=3")
    assert before[1:] == [(finished.run / name).read_bytes() for name in files[1:]]
    assert json.loads((finished.run / "status.json").read_bytes()) == json.loads(before[0])


def test_nothing_to_resume(pretrain: tuple[object, ...], tmp_path: Path) -> None:
    table = write_table(tmp_path / "source", 20)
    set_words = (*pretrain, f"data.source={table}", "data.shards.val_share=0")
    # Built beforehand in this process: pretrain would start processes for it.
    assert "nothing to resume in absent" in _refused(*set_words, "--resume", "absent")
    error = _refused(*set_words, "--resume", table)
    assert f"{table} is no checkpoint of a run" in error
    assert "weights alone are taken over with model.start_from" in error


def test_protocol_with_an_unknown_country(
    finished: Finished, pretrain: tuple[object, ...], tmp_path: Path
) -> None:
    protocol = tmp_path / "mine.yaml"
    protocol.write_text(PROTOCOL.replace("BR,", "Atlantis, XX,"))
    photograph = next(finished.folder.rglob("*.jpg"))
    checkpoint = finished.run / "checkpoints" / "best.ckpt"
    for words in (
        (*pretrain, f"evaluation.protocol={protocol}"),
        ("benchmark", "--model", checkpoint, "--data", tmp_path, "--protocol", protocol),
        ("predict", photograph, "--model", checkpoint, "--protocol", protocol),
    ):
        error = _refused(*words)
        assert "countries: no country 'Atlantis'" in error
        assert "countries: no country 'XX'" in error


def test_planned_order_without_an_index(
    finished: Finished, pretrain: tuple[object, ...], tmp_path: Path
) -> None:
    folder = write_osv5m(tmp_path / "tars", tars=1)
    checkpoint = finished.run / "checkpoints" / "best.ckpt"
    for words in (
        (*pretrain, f"data.source={folder}"),
        (*pretrain, f"data.val_source={folder}", f"data.source={folder}"),
        ("benchmark", "--model", checkpoint, "--data", folder, "--out", tmp_path / "out"),
    ):
        error = _refused(*words)
        assert f"{folder} holds tars without an index" in error
        assert f"run `streetclip shards index {folder}` once" in error
        assert "or set data.order=resampled" in error


def test_output_folder_not_empty(finished: Finished, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("mine")
    table = write_table(tmp_path / "source", 4)
    for words in (
        ("shards", "build", table, full),
        ("sample-world", full, "--photos", "1"),
        ("benchmark", f"runs_dir={finished.folder}/runs", "--out", full),
    ):
        error = _refused(*words)
        assert "not empty" in error
        assert str(full) in error
    assert [path.name for path in full.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("trainer.accelerator=cup", "trainer.accelerator must be one of auto, cpu, cuda, gpu"),
        ("trainer.devices=two", "trainer.devices must be auto or a number of devices"),
        ("runs_dir=FILE", "file is a file; choose a new or empty folder"),
        ("data.shards_dir=FILE", "file is a file; choose a new or empty folder"),
        ("data.source=absent.csv", "data.source: no such file or folder: absent.csv"),
        ("data.source=pipe:cat x", "data.source: no such file or folder: pipe:cat x"),
        ("evaluation.sets={city: absent}", "evaluation.sets.city: no such file or folder: absent"),
        ("data.captions=poems", "shipped are only street, street_facts"),
        ("model.name=ViT-B-23", "nearest: ViT-B-32"),
        ("model.start_from=absent.ckpt", "no checkpoint 'absent.ckpt'"),
        ("model.start_from=FILE", "it is damaged, or no checkpoint"),
        ("data.shards.opt_out=absent.txt", "data.shards.opt_out: no such file or folder"),
        ("checkpoint.monitor=zeroshot/city/median_km", "sets of this experiment: val"),
    ],
)
def test_an_option_that_cannot_work_is_named_before_anything_is_written(
    pretrain: tuple[object, ...], tmp_path: Path, word: str, message: str
) -> None:
    file = tmp_path / "file"
    file.write_text("no folder, no checkpoint")
    error = _refused(*pretrain, word.replace("FILE", str(file)))
    assert message in error
    assert "weights_only" not in error  # Advice of torch that would run a stranger's code.
    assert list(tmp_path.iterdir()) == [file]


def test_a_gpu_that_is_not_there(
    pretrain: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.accelerator.is_available", lambda: False)
    error = _refused(*pretrain, "trainer.accelerator=gpu")
    assert "there is no GPU; set trainer.accelerator=cpu" in error
    monkeypatch.setattr("torch.accelerator.is_available", lambda: True)
    monkeypatch.setattr("torch.accelerator.device_count", lambda: 1)
    error = _refused(*pretrain, "trainer.accelerator=gpu", "trainer.devices=3")
    assert "trainer.devices=3, but this machine has 1 GPUs" in error


def test_resampled_shards_without_a_number(pretrain: tuple[object, ...]) -> None:
    source = "data.source=https://example.org/{00..03}.tar"
    error = _refused(*pretrain, source, "data.order=resampled")
    assert "does not know how many samples count as an epoch; set data.samples_per_epoch" in error
    source = "data.source=pipe:curl https://example.org/0.tar"
    error = _refused(*pretrain, source, "data.order=resampled", "data.samples_per_epoch=8")
    assert "pipe: runs a shell command and is refused" in error
