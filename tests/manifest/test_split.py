"""No town on both sides."""

import random

import pytest

from streetclip.errors import ManifestError
from streetclip.manifest.split import place_name, split_by_place
from streetclip.records import ManifestRow, Place


def make_rows() -> list[ManifestRow]:
    """300 photographs in 60 towns of three countries, and 10 without a town."""
    rows = []
    for number in range(300):
        country, town = ("FR", "KE", "NA")[number % 3], f"town {number % 60}"
        place = Place(10.0, number / 10, country, "", town)
        rows.append(ManifestRow(f"/{number}", str(number), place))
    rows += [ManifestRow(f"/x{n}", f"x{n}", Place(50.1, n / 10, "FR")) for n in range(10)]
    return rows


def names_of(rows: list[ManifestRow], positions: list[int]) -> set[str]:
    return {rows[position].name for position in positions}


def test_no_town_is_in_both_halves_and_every_row_is_in_one() -> None:
    rows = make_rows()
    split = split_by_place(rows, val_share=0.2, seed=1)
    towns = [
        {(rows[i].place.country, rows[i].place.town) for i in half} - {("FR", None)}
        for half in (split.train, split.val)
    ]
    assert not towns[0] & towns[1]
    assert sorted(split.train + split.val) == list(range(len(rows)))
    # 60 towns and the two half degrees without one; a fifth of 62 is 12.
    cells = {rows[i].place.longitude // 0.5 for i in split.val if rows[i].place.town is None}
    assert len(towns[1]) + len(cells) == 12


def test_the_split_depends_on_the_seed_and_not_on_the_order() -> None:
    rows = make_rows()
    val = names_of(rows, split_by_place(rows, val_share=0.2, seed=1).val)
    shuffled = random.Random(7).sample(rows, len(rows))
    assert names_of(shuffled, split_by_place(shuffled, val_share=0.2, seed=1).val) == val
    assert names_of(rows, split_by_place(rows, val_share=0.2, seed=2).val) != val


def test_held_out_countries_are_only_validated_on() -> None:
    rows = make_rows()
    split = split_by_place(rows, val_share=0, seed=0, holdout_countries=["Namibia"])
    assert {rows[i].place.country for i in split.val} == {"NA"}
    assert {rows[i].place.country for i in split.train} == {"FR", "KE"}


def test_a_split_that_leaves_nothing_is_refused() -> None:
    rows = make_rows()
    with pytest.raises(ManifestError, match=r"nothing to train on; got: 0 .* FR, KE, NA held out"):
        split_by_place(rows, val_share=0.1, seed=0, holdout_countries=["FR", "KE", "NA"])
    with pytest.raises(ManifestError, match="nothing to validate on"):
        split_by_place(rows[:1], val_share=0.1, seed=0)
    with pytest.raises(ManifestError, match="unknown country; got: Atlantis"):
        split_by_place(rows, val_share=0.1, seed=0, holdout_countries=["Atlantis"])


def test_photographs_without_coordinates_are_grouped_by_country() -> None:
    nan = float("nan")
    assert place_name(Place(nan, nan, "FR")) == "FR//"
    assert place_name(Place(nan, nan, "FR", None, "Lyon")) == "FR//Lyon"
