import dataclasses
import inspect
import pickle

import pytest

from streetclip import records
from streetclip.records import ManifestRow, Place, Prediction, Preprocess, Rejection

EXAMPLES = (
    Place(48.85, 2.35, "FR"),
    Rejection("a.jpg", "no_coordinates"),
    Preprocess(64, 64, (0.5, 0.5, 0.5), (0.2, 0.2, 0.2)),
    Prediction("a", "FR", None, "Paris", 48.85, 2.35, 0.5, 0.5, (("DE", 0.2),)),
    ManifestRow("/a.jpg", "a.jpg", Place(1.0, 2.0), columns={"family": "Rosaceae"}),
)


def test_every_record_has_an_example_here() -> None:
    classes = {
        value
        for _, value in inspect.getmembers(records, inspect.isclass)
        if value.__module__ == records.__name__
    }
    assert classes == {type(example) for example in EXAMPLES}


@pytest.mark.parametrize("record", EXAMPLES)
def test_records_are_frozen_equal_by_value_and_cross_processes(record: object) -> None:
    assert dataclasses.is_dataclass(record)
    assert not isinstance(record, type)
    first = dataclasses.fields(record)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError, match=f"cannot assign to field '{first}'"):
        setattr(record, first, None)
    assert pickle.loads(pickle.dumps(record)) == record


def test_what_is_not_given_is_unknown() -> None:
    place = Place(1.0, 2.0)
    assert (place.country, place.region, place.town) == (None, None, None)
    row = ManifestRow("/a.jpg", "a.jpg", place)
    assert (row.heading, row.month, row.licence, row.source) == (None, None, None, None)
    assert dict(row.columns) == {}


def test_coordinates_are_known_or_not() -> None:
    nan = float("nan")
    assert Place(0.0, 0.0).has_point
    assert not Place(nan, nan, "XK").has_point


def test_the_default_columns_cannot_be_changed_for_all_rows() -> None:
    row = ManifestRow("/a.jpg", "a.jpg", Place(1.0, 2.0))
    with pytest.raises(TypeError, match="does not support item assignment"):
        row.columns["x"] = "y"  # type: ignore[index]  # what the test is about
