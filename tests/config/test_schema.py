from dataclasses import fields, is_dataclass

from streetclip.config import benchmark, data, schema
from streetclip.config.describe import sentences

CLASSES = [
    cls
    for module in (schema, data, benchmark)
    for cls in vars(module).values()
    if isinstance(cls, type) and is_dataclass(cls)
]


def test_every_field_of_every_class_is_documented() -> None:
    assert len(CLASSES) >= 12
    for cls in CLASSES:
        assert {f.name for f in fields(cls)} == set(sentences()[cls.__name__])


def test_defaults_lie_within_their_own_bounds() -> None:
    for cls in CLASSES:
        for field in fields(cls):
            if "low" in field.metadata and field.default is not None:
                assert field.metadata["low"] <= field.default <= field.metadata["high"]
