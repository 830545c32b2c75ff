from dataclasses import fields, is_dataclass

from streetclip.config import schema
from streetclip.config.describe import sentences


def test_every_field_of_every_class_is_documented() -> None:
    classes = [c for c in vars(schema).values() if isinstance(c, type) and is_dataclass(c)]
    assert len(classes) >= 10
    for cls in classes:
        assert {f.name for f in fields(cls)} == set(sentences()[cls.__name__])


def test_defaults_lie_within_their_own_bounds() -> None:
    for cls in (c for c in vars(schema).values() if isinstance(c, type) and is_dataclass(c)):
        for field in fields(cls):
            if "low" in field.metadata and field.default is not None:
                assert field.metadata["low"] <= field.default <= field.metadata["high"]
