import logging

import pytest
from tests.commandline import command

from streetclip.cli.console import show_log


@pytest.fixture(autouse=True)
def _keep_logging() -> object:
    ours = logging.getLogger("streetclip")
    before = (ours.handlers, ours.propagate, ours.level)
    yield
    ours.handlers, ours.propagate = before[:2]
    ours.setLevel(before[2])


def test_our_lines_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show_log()
    logging.getLogger("streetclip.build").info("run: %s", "runs/001")
    logging.getLogger("lightning.pytorch").info("a library speaks")
    assert capsys.readouterr().out == "run: runs/001\n"


@pytest.mark.parametrize("variable", ["RANK", "LOCAL_RANK", "SLURM_PROCID"])
def test_other_ranks_tell_errors_only(
    variable: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    show_log()
    logging.getLogger("streetclip").info("once is enough")
    logging.getLogger("streetclip").error("each for itself")
    assert capsys.readouterr().out == "each for itself\n"


def test_a_second_call_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    show_log()
    show_log()
    logging.getLogger("streetclip").info("once")
    assert capsys.readouterr().out == "once\n"


def test_the_command_leaves_no_trace_in_the_tests() -> None:
    before = logging.getLogger("streetclip").handlers
    command("shards", "index", "absent")
    assert logging.getLogger("streetclip").handlers is before
