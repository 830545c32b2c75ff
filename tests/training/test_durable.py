from pathlib import Path

from streetclip.training.durable import LineLog, write_text


def test_a_text_file_is_replaced_whole_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "status.json"
    write_text(path, "old")
    write_text(path, "new\n")
    assert path.read_text() == "new\n"
    assert [p.name for p in tmp_path.iterdir()] == ["status.json"]


def test_a_log_goes_on_where_an_earlier_process_stopped(tmp_path: Path) -> None:
    first = LineLog(tmp_path / "log")
    first.append("a")
    first.append("b")
    again = LineLog(tmp_path / "log")
    assert again.rows == 2
    again.append("c")
    assert again.read() == ["a", "b", "c"]


def test_a_line_that_a_kill_left_unfinished_does_not_count_and_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("a\nb\nhalf of")
    log = LineLog(path)
    assert log.rows == 2
    log.append("c")
    assert path.read_text() == "a\nb\nc\n"


def test_a_log_can_be_cut_while_it_is_open_and_grows_again(tmp_path: Path) -> None:
    log = LineLog(tmp_path / "log")
    for line in "abcd":
        log.append(line)
    log.sync()
    log.cut(1)
    assert log.rows == 1
    log.append("z")
    assert (tmp_path / "log").read_text() == "a\nz\n"


def test_cutting_a_log_that_was_never_written_makes_no_file(tmp_path: Path) -> None:
    log = LineLog(tmp_path / "log")
    log.cut(0)
    assert log.rows == 0
    assert list(tmp_path.iterdir()) == []


def test_a_cut_to_more_lines_than_there_are_keeps_all(tmp_path: Path) -> None:
    log = LineLog(tmp_path / "log")
    log.append("a")
    log.cut(5)
    assert log.read() == ["a"]
    assert log.rows == 1
