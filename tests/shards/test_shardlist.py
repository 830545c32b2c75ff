"""`shards.json` may come from anybody: each field is right, or named with what is allowed."""

import json
import random
from typing import Any

import pytest

from streetclip.errors import ShardError
from streetclip.shards.files import ShardEntry
from streetclip.shards.shardlist import ShardList, parse_list, shard_set_digest

A, B = "a" * 64, "b" * 64
WRONG_DIGESTS: list[object] = [5, None, "", "A" * 64, A[:-1], A + "\n", [A], {}]
WRONG_NUMBERS: list[object] = [10**30, -1, 1.5, 1e3, "2", True, None, float("nan"), [2]]
WRONG_NAMES: list[object] = ["\ud800.tar", "x" * 5000, "é" * 121, "a\n.tar", "a/b", 7, ""]


def content(**changes: object) -> dict[str, Any]:
    tar = {"file": "a.tar", "bytes": 10, "sha256": A, "samples": 2, "index_sha256": B}
    digest = shard_set_digest([ShardEntry("a.tar", 10, A, 2, B)])
    return {
        "version": 1,
        "digest": digest,
        "split": None,
        "samples": 2,
        "shards": [tar],
        "countries": {"FR": 2},
        "towns": {"FR/Brittany/Rennes": 2},
        "options": {"quality": 90},
        **changes,
    }


def parse(given: object) -> ShardList:
    return parse_list(json.dumps(given).encode(), "shards.json")


def test_a_right_list_is_read() -> None:
    found = parse(content())
    assert found.shards == (ShardEntry("a.tar", 10, A, 2, B),)
    assert (found.countries, found.split, found.options) == ({"FR": 2}, None, {"quality": 90})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("sha256", value) for value in WRONG_DIGESTS],
        *[("index_sha256", value) for value in WRONG_DIGESTS],
        *[("samples", value) for value in WRONG_NUMBERS],
        *[("bytes", value) for value in WRONG_NUMBERS],
        *[("file", value) for value in WRONG_NAMES],
    ],
)
def test_a_wrong_field_of_a_tar_is_named(field: str, value: object) -> None:
    given = content()
    given["shards"][0][field] = value
    with pytest.raises(
        ShardError, match=rf"^shards\.json: shards\[0\] has a wrong field {field}; got: .*allowed: "
    ) as caught:
        parse(given)
    str(caught.value).encode()
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("options", "x"),
        ("options", None),
        ("options", {"a": "\ud800"}),
        ("countries", [1]),
        ("countries", {"FR": "2"}),
        ("countries", {"FR": -1}),
        ("countries", {"FR": 10**30}),
        ("countries", {"\ud800": 1}),
        ("towns", 5),
        ("towns", {"FR/x/y": True}),
        ("split", "test"),
        ("split", 1),
        ("split", ["val"]),
        ("digest", None),
        ("digest", 5),
        ("shards", 3),
        ("shards", {"a": 1}),
    ],
)
def test_a_wrong_field_of_the_list_is_named(field: str, value: object) -> None:
    with pytest.raises(ShardError, match=rf"^shards\.json has a wrong field {field}; got: .*all"):
        parse(content(**{field: value}))


@pytest.mark.parametrize("field", ["digest", "split", "shards", "countries", "towns", "options"])
def test_a_missing_field_is_named(field: str) -> None:
    given = content()
    del given[field]
    with pytest.raises(ShardError, match=rf"^shards\.json has no field {field}; allowed: "):
        parse(given)


def test_a_tar_is_an_object_with_its_fields_once() -> None:
    with pytest.raises(ShardError, match=r"shards\[0\] is no tar; got: 'a\.tar'; allowed: an obj"):
        parse(content(shards=["a.tar"]))
    with pytest.raises(ShardError, match=r"shards\[0\] has no field bytes; allowed: 0 to "):
        parse(content(shards=[{"file": "a.tar"}]))
    tar = content()["shards"][0]
    with pytest.raises(ShardError, match=r"shards\[0\] has unknown fields; got: \['url'\]"):
        parse(content(shards=[{**tar, "url": "x"}]))
    with pytest.raises(
        ShardError, match=r"lists a tar twice; got: a\.tar; allowed: each file name"
    ):
        parse(content(shards=[tar, tar]))


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"{", b"<html><body>Come back later.</body></html>", b"\xff\xfe", b"[" * 100_000),
        b'{"version": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_whole_json_says_how_it_begins(raw: bytes) -> None:
    with pytest.raises(ShardError, match=r"no whole JSON file; got: b.*a page of the server"):
        parse_list(raw, "shards.json")


@pytest.mark.parametrize("given", [[], None, 5, "x"])
def test_json_that_is_no_object_is_no_list(given: object) -> None:
    with pytest.raises(ShardError, match=r"is no shards\.json; got: .*; allowed: an object"):
        parse(given)


def test_no_damage_ends_in_another_error() -> None:
    raw, order = json.dumps(content()).encode(), random.Random(0)
    strange: list[object] = [None, True, -1, 10**30, 1e400, "", "\ud800", [], {}, [[]], {"a": None}]
    for _ in range(2000):
        given = bytearray(raw)
        given[order.randrange(len(raw))] = order.randrange(256)
        changed = content()
        target = order.choice([changed, changed["shards"][0]])
        target[order.choice(list(target))] = order.choice(strange)
        for text in (bytes(given), json.dumps(changed).encode()):
            try:
                parse_list(text, "shards.json")
            except ShardError as error:
                str(error).encode()
