import errno
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.commandline import command

from streetclip import __version__
from streetclip.__main__ import COMMANDS, main

HEAVY = ("torch", "torchvision", "lightning", "pandas", "open_clip", "matplotlib", "scipy")


@pytest.mark.parametrize("words", [[], *([name] for name in COMMANDS)])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "streetclip", *words, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.startswith("usage: streetclip")
    imported = {line.rpartition("|")[2].strip() for line in run.stderr.splitlines()}
    assert "streetclip.errors" in imported
    assert not {name for name in imported if name.partition(".")[0] in HEAVY}


def test_the_package_itself_imports_no_torch() -> None:
    code = "import streetclip, sys; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_help_names_every_command_with_a_sentence() -> None:
    answer = command("--help")
    assert answer.code == 0
    text = re.sub(r"\s+", " ", answer.out)
    for name, sentence in COMMANDS.items():
        assert f"{name} {sentence}" in text


def test_every_command_has_a_file() -> None:
    folder = Path(sys.modules[main.__module__].__file__ or "").parent / "cli"
    for name in COMMANDS:
        assert (folder / f"{name.replace('-', '_')}.py").is_file()


def test_the_version_is_told() -> None:
    assert command("--version").out == f"streetclip {__version__}\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the following arguments are required: COMMAND"),
        (("dance",), "invalid choice: 'dance'"),
        (("locate", "1", "2", "3"), "unrecognized arguments: 3"),
        (("locate", "1", "2", "a=b"), "unrecognized arguments: a=b"),
        (("pretrain",), "the following arguments are required: experiment"),
        (("pretrain", "x.yaml", "--fast"), "unrecognized arguments: --fast"),
        (("shards",), "the following arguments are required: VERB"),
    ],
)
def test_words_that_no_command_knows_end_with_2(words: tuple[str, ...], message: str) -> None:
    answer = command(*words)
    assert answer.code == 2
    assert message in answer.err


def test_an_interrupted_command_says_so_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("streetclip.geo.locate.locate", interrupt)
    answer = command("locate", "1", "2")
    assert (answer.code, answer.err) == (130, "streetclip: interrupted\n")


def test_what_the_system_refuses_is_said_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "x.json")

    monkeypatch.setattr("streetclip.geo.locate.locate", refuse)
    answer = command("locate", "1", "2")
    assert answer.code == 1
    assert answer.err == (
        "streetclip: the system refused: [Errno 28] No space left on device: 'x.json'; "
        "STREETCLIP_TRACEBACK=1 shows where it came from\n"
    )
    monkeypatch.setenv("STREETCLIP_TRACEBACK", "1")
    with pytest.raises(OSError, match="No space left"):
        command("locate", "1", "2")


def test_a_mistake_of_ours_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr("streetclip.geo.locate.locate", fail)
    with pytest.raises(ZeroDivisionError, match="ours"):
        command("locate", "1", "2")


def test_the_module_runs_as_a_program() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "streetclip", "locate", "95", "2"], capture_output=True, text=True
    )
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.startswith("streetclip: 1 of 1 points have an impossible latitude")
