import os
from pathlib import Path

import pytest
from tests.faults import __main__ as command
from tests.faults.listing import NAMES, FaultTest, fault_tests
from tests.faults.report import Row, describe_machine, render
from tests.faults.scale import Scale
from tests.faults.tally import Tally, total

GOOD = Tally(injected=3, survived=3, kills=2, seconds=1.4)
BAD = Tally(injected=4, survived=3, lost=8, seconds=2.0, failures=("R2/x: it broke",))


def _page(*rows: Row) -> str:
    return render(rows, began="2030-01-02", machine="2 cores")


def test_a_row_a_test_and_their_sum_stand_in_the_table() -> None:
    page = _page(Row("R1", "One.", GOOD), Row("R2", "Two.", BAD), Row("R3", "Three."))
    rows = [line for line in page.splitlines() if line.startswith("| ")][2:]
    assert rows == [
        "| R1 | 3 | 3 | 0 | 0 | 0 | 1 |",
        "| R2 | 4 | 3 | 8 | 0 | 0 | 2 |",
        "| R3 | not run | | | | | |",
        "| sum | 7 | 6 | 8 | 0 | 0 | 3 |",
    ]
    assert "2 of the 7 faults were killed processes or signals." in page
    assert "**R1** One.\n\n**R2** Two.\n\n**R3** Three.\n" in page
    assert page.endswith("## Not survived\n\n- R2/x: it broke\n")


def test_a_clean_page_lists_no_failures() -> None:
    assert "Not survived" not in _page(Row("R1", "One.", GOOD))


def test_what_could_not_be_injected_stands_beside_what_was() -> None:
    part = Tally(injected=3, survived=3, notes=("No disk was filled.",))
    page = _page(Row("R1", "One.", total([part, part])), Row("R2", "Two.", GOOD))
    assert "**R1** One. *Not in this run:* No disk was filled.\n\n**R2** Two.\n" in page


def test_the_machine_is_described_without_its_name() -> None:
    assert describe_machine().startswith(f"{os.cpu_count()} cores (")


def test_every_fault_test_says_what_it_injects_and_what_counts_as_survived() -> None:
    found = fault_tests()
    assert tuple(found) == NAMES
    assert len(NAMES) == 15
    for name, test in found.items():
        assert test.text.startswith("Injected: "), name
        assert " Survived: " in test.text, name


def test_the_page_is_written_after_each_test(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, pages = tmp_path / "faults.md", []

    def second(scale: Scale, work: Path) -> Tally:
        pages.append(page.read_text())
        raise OSError("the disk is gone")

    tests = {"R1": FaultTest("One.", lambda scale, work: GOOD), "R2": FaultTest("Two.", second)}
    monkeypatch.setattr(command, "fault_tests", lambda: tests)
    rows = command._run(["R1", "R2", "R3"], Scale.QUICK, tmp_path, page)
    assert "| R1 | 3 | 3 |" in pages[0]
    assert "| R2 | not run |" in pages[0]
    assert [row.tally is not None and row.tally.is_clean for row in rows] == [True, False, False]
    assert "- OSError('the disk is gone')" in page.read_text()


def test_a_folder_that_holds_something_is_no_folder_for_runs(tmp_path: Path) -> None:
    assert command._new_folder(tmp_path / "a" / "b").is_dir()
    with pytest.raises(FileExistsError, match=tmp_path.name):
        command._new_folder(tmp_path)
