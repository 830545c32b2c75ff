import csv
import json
from pathlib import Path

import pytest
from tests.commandline import command

HEADER = "id,latitude,longitude,country"


def _rows(path: Path, *, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def test_a_point_is_told_as_one_line_of_json() -> None:
    answer = command("locate", "48.8566", "2.3522")
    assert (answer.code, answer.err) == (0, "")
    found = json.loads(answer.out)
    assert list(found) == ["country", "country_name", "region", "town", "town_distance_km"]
    assert (found["country"], found["country_name"]) == ("FR", "France")
    assert found["town_distance_km"] < 5


def test_southern_and_western_coordinates_are_no_options() -> None:
    found = json.loads(command("locate", "-22.5597", "17.0832").out)
    assert (found["country"], found["town"]) == ("NA", "Windhoek")
    assert json.loads(command("locate", "-34.6", "-58.4").out)["country"] == "AR"


def test_the_open_sea_has_no_place() -> None:
    found = json.loads(command("locate", "0", "-30").out)
    assert set(found.values()) == {None}


def test_a_table_keeps_its_cells_and_its_rows(tmp_path: Path) -> None:
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text(
        "id,latitude,longitude,note\n"
        "007,48.8566,2.3522,1.50\n"
        "a,-22.5597,17.0832,NA\n"
        'b,north,2,"a, b"\n'
        "c,95,1,\n"
        "short,1\n"
        "d,0,-30,sea\n",
        encoding="utf-8",
    )
    answer = command("locate", "--csv", table, "--out", out)
    assert answer.code == 0
    assert (
        answer.out == f"3 of 6 rows located; 3 without usable coordinates stay as they are: {out}\n"
    )
    rows = _rows(out)
    assert [row["id"] for row in rows] == ["007", "a", "b", "c", "short", "d"]
    assert rows[0]["note"] == "1.50"
    assert (rows[0]["country"], rows[0]["country_name"]) == ("FR", "France")
    assert (rows[1]["country"], rows[1]["country_name"], rows[1]["note"]) == ("NA", "Namibia", "NA")
    assert float(rows[1]["town_distance_km"]) < 5
    assert rows[2]["note"] == "a, b"
    assert not rows[2]["country"]
    assert not rows[3]["country"]
    assert (rows[5]["note"], rows[5]["country"], rows[5]["town_distance_km"]) == ("sea", "", "")


def test_columns_that_are_there_are_filled_in_place(tmp_path: Path) -> None:
    table, out = tmp_path / "in.csv", tmp_path / "out.csv"
    table.write_text("country;Latitude;LONGITUDE\n;48.8566;2.3522\nNA;x;y\n", encoding="utf-8")
    assert command("locate", "--csv", table, "--out", out).code == 0
    rows = _rows(out, delimiter=";")
    assert [row["country"] for row in rows] == ["FR", "NA"]
    assert list(rows[0])[:4] == ["country", "Latitude", "LONGITUDE", "country_name"]


def test_a_table_can_replace_itself(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text("latitude,longitude\n48.8566,2.3522\n")
    assert command("locate", "--csv", table, "--out", table).code == 0
    assert _rows(table)[0]["country"] == "FR"
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no column latitude and longitude; got: an empty table"),
        (b"id,longitude\n1,2\n", "has no column latitude; got: id, longitude"),
        ("n,latitude,longitude\né,1,2\n".encode("latin-1"), "give a whole CSV in UTF-8"),
        (b'latitude,longitude\n1,"2\n', "unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    table = tmp_path / "in.csv"
    table.write_bytes(content)
    answer = command("locate", "--csv", table, "--out", tmp_path / "out.csv")
    assert answer.code == 2
    assert str(table) in answer.err
    assert message in answer.err
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "allowed: streetclip locate LATITUDE LONGITUDE, or --csv IN --out OUT"),
        (("1",), "locate needs a point or a table"),
        (("95", "2"), "impossible latitude; got: row 0: 95; allowed: -90 to 90"),
        (("1", "nan"), "impossible longitude"),
        (("one", "2"), "invalid float value: 'one'"),
        (("--csv", "absent.csv", "--out", "out.csv"), "no such table: absent.csv"),
        (("--csv", "absent.csv"), "--csv needs --out"),
        (("1", "2", "--disputes", "absent.csv"), "absent.csv cannot be read"),
    ],
)
def test_wrong_words_are_answered_with_what_is_allowed(
    words: tuple[str, ...], message: str
) -> None:
    answer = command("locate", *words)
    assert answer.code == 2
    assert message in answer.err


def test_an_output_folder_must_exist(tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text(f"{HEADER}\n")
    answer = command("locate", "--csv", table, "--out", tmp_path / "no" / "out.csv")
    assert answer.code == 2
    assert "make it, or name another --out" in answer.err
