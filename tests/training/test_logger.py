import csv
import math
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from streetclip.training.logger import CsvLogger, CsvTable, tensorboard_logger


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_number_read_back_has_the_same_bits(tmp_path: Path) -> None:
    values = [0.1, 1e-300, 2.0**-1074, 1 / 3, float(np.float32(0.1)), math.pi * 1e17, -0.0]
    logger = CsvLogger(tmp_path)
    for step, value in enumerate(values):
        logger.log_metrics({"train/loss": value}, step=step)
    read = [float(row["train/loss"]) for row in _read(tmp_path / "metrics.csv")]
    assert [v.hex() for v in read] == [v.hex() for v in values]


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_not_finite_is_written_too(tmp_path: Path, value: float) -> None:
    CsvLogger(tmp_path).log_metrics({"train/loss": value}, step=0)
    assert repr(float(_read(tmp_path / "metrics.csv")[0]["train/loss"])) == repr(value)


def test_values_of_the_clock_have_a_file_of_their_own(tmp_path: Path) -> None:
    logger = CsvLogger(tmp_path)
    logger.log_metrics({"train/loss": 2.0, "timing/samples_per_s": 140.0, "epoch": 3}, step=7)
    assert (tmp_path / "metrics.csv").read_text() == "step,epoch,train/loss\n7,3,2.0\n"
    assert (tmp_path / "timing.csv").read_text() == "step,epoch,timing/samples_per_s\n7,3,140.0\n"


def test_a_new_name_becomes_a_column_and_earlier_rows_stay_in_line(tmp_path: Path) -> None:
    table = CsvTable(tmp_path / "t.csv")
    table.append({"step": 0, "a": 1.5})
    table.append({"step": 1, "b": 2.5, "c": 3.5})
    table.append({"step": 2, "a": 4.5})
    assert (tmp_path / "t.csv").read_text() == "step,a,b,c\n0,1.5,,\n1,,2.5,3.5\n2,4.5,,\n"


def test_a_table_cut_and_filled_again_is_the_undisturbed_one(tmp_path: Path) -> None:
    rows = [{"step": 0, "a": 1.0}, {"step": 1, "a": 2.0}, {"step": 2, "b": 3.0}]
    whole, cut = CsvTable(tmp_path / "whole.csv"), CsvTable(tmp_path / "cut.csv")
    for row in rows:
        whole.append(row)
        cut.append(row)
    cut.cut(1)
    assert cut.rows == 1
    for row in rows[1:]:
        cut.append(row)
    assert cut.path.read_text() == whole.path.read_text()


def test_a_table_cut_to_nothing_starts_with_a_new_header(tmp_path: Path) -> None:
    table = CsvTable(tmp_path / "t.csv")
    table.append({"step": 0, "old": 1.0})
    table.cut(0)
    assert table.rows == 0
    table.append({"step": 0, "new": 1.0})
    assert table.path.read_text() == "step,new\n0,1.0\n"


def test_names_with_commas_and_quotes_keep_the_columns_apart(tmp_path: Path) -> None:
    table = CsvTable(tmp_path / "t.csv")
    table.append({'a,"b"': 1.0, "c": 2.0})
    again = CsvTable(table.path)
    again.append({"c": 4.0, 'a,"b"': 3.0})
    assert _read(table.path)[1] == {'a,"b"': "3.0", "c": "4.0"}


def test_the_logger_takes_no_hyperparameters_and_names_its_folder(tmp_path: Path) -> None:
    logger = CsvLogger(tmp_path)
    logger.log_hyperparams({"lr": 1.0})
    assert (logger.save_dir, logger.name, logger.version) == (str(tmp_path), "", "")
    assert list(tmp_path.iterdir()) == []
    assert [table.name for table in logger.tables] == ["metrics.csv", "timing.csv"]


def test_tensorboard_writes_below_the_run_folder(tmp_path: Path) -> None:
    logger = tensorboard_logger(tmp_path, resume_step=4)
    logger.log_metrics({"train/loss": 1.0}, step=4)
    logger.finalize("success")
    assert any((tmp_path / "tensorboard").glob("events.out.tfevents.*"))


def test_tensorboard_shows_each_step_of_a_killed_and_resumed_run_once(tmp_path: Path) -> None:
    killed = tensorboard_logger(tmp_path)
    for step in range(1, 7):
        killed.log_metrics({"train/loss": 10.0 + step}, step=step)
    killed.finalize("failed")
    resumed = tensorboard_logger(tmp_path, resume_step=4)
    for step in range(4, 9):
        resumed.log_metrics({"train/loss": 20.0 + step}, step=step)
    resumed.finalize("success")
    events = EventAccumulator(str(tmp_path / "tensorboard")).Reload().Scalars("train/loss")
    assert [event.step for event in events] == list(range(1, 9))
    assert [event.value for event in events] == [11.0, 12.0, 13.0, 24.0, 25.0, 26.0, 27.0, 28.0]
