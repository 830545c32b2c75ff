"""The parts of a set are found from its path alone, or the message draws where they should lie."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.settrees import TREES, write_im2gps, write_im2gps3k, write_osv5m, write_yfcc4k

from streetclip.errors import ManifestError
from streetclip.manifest.presets import PRESETS
from streetclip.manifest.sets import find_set, find_tars

HEADER = "filename,latitude,longitude\n"


def test_the_table_may_lie_beside_the_photographs(tmp_path: Path) -> None:
    given = write_im2gps(tmp_path)
    place = find_set(given, "im2gps")
    assert (place.table, place.photographs) == (tmp_path / "images/im2gps_places365.csv", given)


def test_of_two_sets_in_one_folder_the_named_one_is_taken(tmp_path: Path) -> None:
    images = write_im2gps(tmp_path).parent
    for name in ("im2gps", "im2gps3k"):
        place = find_set(images, name)
        assert place.table == images / f"{name}_places365.csv"
        assert place.photographs == images / name


def test_the_table_itself_may_be_given(tmp_path: Path) -> None:
    images = write_im2gps(tmp_path).parent
    table = images / "im2gps3k_places365.csv"
    place = find_set(table, "im2gps3k")
    assert (place.table, place.photographs) == (table, images / "im2gps3k")
    (tmp_path / "meta").mkdir()
    moved = table.rename(tmp_path / "meta" / table.name)
    assert find_set(moved, "im2gps3k").photographs == images


def test_photographs_may_lie_in_the_folder_itself(tmp_path: Path) -> None:
    (tmp_path / "any name.csv").write_text(HEADER)
    place = find_set(tmp_path, "yfcc4k")
    assert (place.table, place.photographs) == (tmp_path / "any name.csv", tmp_path)


def test_the_table_of_another_set_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "yfcc25600_places365.csv").write_text("IMG_ID,LAT,LON\n")
    with pytest.raises(ManifestError, match=r"yfcc4k: no table of its photographs in .* or beside"):
        find_set(tmp_path, "yfcc4k")
    assert find_set(tmp_path, "yfcc26k").table == tmp_path / "yfcc25600_places365.csv"


def test_of_osv5m_the_part_to_test_on_is_taken(tmp_path: Path) -> None:
    given = write_osv5m(tmp_path / "set")
    place = find_set(given, "osv5m")
    assert (place.table, place.photographs) == (given / "test.csv", given / "images/test")
    (given / "test.csv").unlink()
    with pytest.raises(
        ManifestError, match=r"no table .*got: images/, train.csv; expected:\n  PAT"
    ):
        find_set(given, "osv5m")


def test_two_tables_that_could_be_meant_are_named(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEADER)
    with pytest.raises(ManifestError, match=r"several tables could be meant: .*a.csv, .*b.csv"):
        find_set(tmp_path, "im2gps")
    (tmp_path / "im2gps-gps.csv").write_text(HEADER)
    assert find_set(tmp_path, "im2gps").table == tmp_path / "im2gps-gps.csv"


def test_tables_with_other_columns_are_passed_over(tmp_path: Path) -> None:
    given = write_yfcc4k(tmp_path)
    (given / "yfcc4k_predictions.csv").write_text("filename,score\n")
    (given / "empty.csv").write_text("")
    assert find_set(given, "yfcc4k").table == given / "yfcc4k_places365.csv"


@pytest.mark.parametrize("name", ["country211/test", "country211", "."])
def test_country211_may_be_given_at_any_of_its_levels(tmp_path: Path, name: str) -> None:
    given = TREES["country211"](tmp_path) / name
    place = find_set(given, "country211")
    assert place.table is None
    assert place.photographs.resolve() == tmp_path / "country211/test"


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "own"])
def test_what_does_not_lie_where_it_should_is_drawn(tmp_path: Path, preset: str) -> None:
    with pytest.raises(
        ManifestError, match=f"^{preset}: no .*{tmp_path}/absent.*; expected:\n"
    ) as e:
        find_set(tmp_path / "absent", preset)
    assert str(e.value).endswith(PRESETS[preset].tree)
    assert "PATH" in PRESETS[preset].tree


def test_a_folder_without_photographs_by_country_is_no_country211(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"by country in .*; got: an empty folder; expected:"):
        find_set(tmp_path, "country211")
    (tmp_path / "a.csv").write_text("x")
    with pytest.raises(ManifestError, match=r"is for a folder of photographs, and .* is a file"):
        find_set(tmp_path / "a.csv", "folder")


def test_an_unknown_preset_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such preset; got: im2gp; allowed: own, im2gps"):
        find_set(tmp_path, "im2gp")


def test_without_a_preset_a_source_is_taken_as_it_is(tmp_path: Path) -> None:
    table = write_im2gps3k(tmp_path) / "im2gps3k.csv"
    place = find_set(table, None)
    assert (place.table, place.photographs) == (table, tmp_path)
    assert find_set(tmp_path, None).table is None


def test_ready_shards_are_found_for_the_set_that_has_them(
    tmp_path: Path, make_photo: Callable[..., Path]
) -> None:
    given = TREES["osv5m (shards)"](tmp_path / "set")
    assert find_tars(given, "osv5m") == given / "test"
    assert find_tars(given / "test", "osv5m") == given / "test"
    assert find_tars(given, "im2gps") is None
    assert find_tars(make_photo("a.jpg"), "osv5m") is None
    assert find_tars(write_osv5m(tmp_path / "other"), "osv5m") is None
