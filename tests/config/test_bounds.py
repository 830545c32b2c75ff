from dataclasses import dataclass, fields

from streetclip.config.bounds import between, one_of


@dataclass
class Options:
    """Two fields with bounds."""

    word: str = one_of("a", "b")
    number: int = between(1, 0, 5)


def test_fields_carry_their_bounds_and_defaults() -> None:
    assert Options() == Options("a", 1)
    word, number = (dict(field.metadata) for field in fields(Options))
    assert (word, number) == ({"choices": ("a", "b")}, {"low": 0, "high": 5})
