"""`streetclip report` writes a report again, and names what is wrong."""

from pathlib import Path

import pytest
from tests.commandline import command
from tests.plainresult import plain_result

from streetclip.evaluation.result import write_result


def test_the_command_says_what_it_has_written(tmp_path: Path) -> None:
    folder, latex = tmp_path / "result", tmp_path / "t.tex"
    write_result(plain_result(4), folder)
    answer = command("report", folder, "--latex", latex)
    assert (answer.code, answer.out.splitlines()) == (0, [str(folder / "report.html"), str(latex)])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "required: RESULT"),
        (("none",), "no result at none"),
    ],
)
def test_wrong_words_are_named(
    words: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("report", *words)
    assert answer.code == 2
    assert message in answer.err
