import inspect
import pickle
import re
from pathlib import Path

import pytest

from streetclip import errors
from streetclip.errors import (
    ConfigError,
    FetchError,
    InputError,
    NumericsError,
    ProblemsError,
    SampleError,
    ShardError,
    StreetclipError,
    TarError,
    hide_secrets,
    shown,
)

CLASSES: list[type[Exception]] = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if value.__module__ == errors.__name__ and issubclass(value, Exception)
]


def test_every_exception_can_be_caught_as_ours() -> None:
    assert len(CLASSES) > 10
    assert all(issubclass(each, StreetclipError) for each in CLASSES)


def test_what_the_user_can_mend_ends_with_2_and_the_rest_with_1() -> None:
    codes = {c.__name__: c.exit_code for c in CLASSES if issubclass(c, StreetclipError)}
    ones = {"StreetclipError", "SampleError", "NumericsError", "LoaderError", "StorageError"}
    ones |= {"FetchError"}
    assert {name for name, code in codes.items() if code == 1} == ones
    assert {name for name, code in codes.items() if code == 85} == {"Preempted"}
    assert set(codes.values()) == {1, 2, 85}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "what"),
        ({"got": 0}, "what; got: 0"),
        ({"allowed": "1 or more"}, "what; allowed: 1 or more"),
        ({"remedy": "do this"}, "what; do this"),
        (
            {"got": "", "allowed": "b", "remedy": "do this"},
            "what; got: ; allowed: b; do this",
        ),
    ],
)
def test_a_message_holds_the_parts_that_are_given(parts: dict[str, object], message: str) -> None:
    error = InputError("what", **parts)  # type: ignore[arg-type]  # a table of keywords
    assert str(error) == message
    assert error.what == "what"


def test_problems_are_counted_and_numbered() -> None:
    one = ProblemsError("a.yaml", ["no key 'lr'"])
    assert str(one) == "a.yaml has 1 problem:\n  1. no key 'lr'"
    two = ConfigError("a.yaml", ("x", "y"))
    assert str(two) == "a.yaml has 2 problems:\n  1. x\n  2. y"
    assert two.problems == ["x", "y"]


def test_a_sample_names_reason_and_detail() -> None:
    assert str(SampleError("no_image")) == "no_image"
    error = SampleError("no_image", "only json")
    assert (str(error), error.reason, error.detail) == (
        "no_image: only json",
        "no_image",
        "only json",
    )


def test_damage_of_a_tar_names_its_place_and_reaches_another_process() -> None:
    error = TarError("cut_tar", "a.tar is cut short", offset=512, got="600 bytes")
    assert (error.reason, error.offset, error.next_offset) == ("cut_tar", 512, None)
    arrived = pickle.loads(pickle.dumps(error))
    assert isinstance(arrived, ShardError)
    assert str(arrived) == str(error) == "a.tar is cut short; got: 600 bytes"


def test_a_run_that_became_infinite_is_no_fault_of_the_input() -> None:
    assert not issubclass(NumericsError, InputError)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        ("https://me:PASSWORD@h/a.tar?token=SECRET", "https://h/a.tar?..."),
        ("http://me:PASSWORD@[::1]:80/a", "http://[::1]:80/a"),
        ("s3://KEY:SECRET@bucket/a.tar", "s3://bucket/a.tar"),
        ("hf://datasets/u/r@main/a.tar", "hf://datasets/u/r@main/a.tar"),
        ("http://me:PASSWORD/SECRET@h/a", "http://..."),
        ("http://me:PASSWORD#SECRET@h/a", "http://..."),
        ("http://me:PASSWORD@[::1/a?SECRET", "http://..."),
        ("http://h/a.tar#SECRET", "http://h/a.tar"),
        ("http://h/{0..9}.tar?x='SECRET'&y=;SECRET", "http://h/{0..9}.tar?..."),
    ],
)
@pytest.mark.parametrize("around", ["{}", "no '{}', but", "({}); got: 1", 'x="{}"; y', "a {}."])
def test_no_message_shows_a_password_or_a_query(url: str, plain: str, around: str) -> None:
    text = around.format(url)
    for told in (
        hide_secrets(text),
        str(InputError("what", got=text, allowed=text, remedy=text)),
        str(ConfigError("x", [text])),
        str(FetchError(text)),
        FetchError(text).reason,
    ):
        assert not re.search("PASSWORD|SECRET|KEY|me:", told)
        assert plain in told
        assert hide_secrets(told) == told
    assert shown(url) == plain


def test_a_url_that_lost_a_slash_shows_nothing_more() -> None:
    path = Path("https://me:PASSWORD@h/a?token=SECRET")
    assert hide_secrets(f"no such folder: {path}") == "no such folder: https:/h/a?..."


def test_texts_without_secrets_stay_as_they_are() -> None:
    for text in (
        "a: b",
        "key=value",
        "C:/shards/x?",
        "/a/b: no such file; got: 1",
        "see http://h/",
    ):
        assert hide_secrets(text) == text
