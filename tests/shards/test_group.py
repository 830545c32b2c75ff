"""Members become samples as readers of WebDataset would take them, or are told about."""

import pytest

from streetclip.errors import SampleError, TarError
from streetclip.shards.group import Group, group_members, image_and_metadata
from streetclip.shards.tar import Member


def grouped(*names: str | TarError) -> tuple[list[tuple[str, list[str]]], list[tuple[str, str]]]:
    refused: list[tuple[str, str]] = []
    members = [name if isinstance(name, TarError) else Member(name, 0, 9) for name in names]
    groups = group_members(members, lambda name, reason, _: refused.append((name, reason)))
    return [(group.key, list(group.members)) for group in groups], refused


DAMAGE = TarError("damaged_tar", "here", offset=512)
LINK = TarError("forbidden_member", "here", offset=512)


def test_neighbors_with_one_key_are_a_sample() -> None:
    groups, refused = grouped("a.jpg", "a.json", "b/a.JPG", "b/a.cls", "c.d/a.json")
    assert groups == [("a", ["jpg", "json"]), ("b/a", ["jpg", "cls"]), ("c.d/a", ["json"])]
    assert refused == []


def test_what_comes_twice_is_told_about_and_the_first_stays() -> None:
    groups, refused = grouped("a.jpg", "a.json", "a.jpg", "b.jpg", "a.json", "b.json")
    assert groups == [("a", ["jpg", "json"]), ("b", ["jpg"])]
    assert refused == [
        ("a.jpg", "duplicate_key"),
        ("a.json", "duplicate_key"),
        ("b.json", "duplicate_key"),
    ]


def test_the_sample_before_a_damaged_place_is_left_out_but_not_one_before_a_link() -> None:
    groups, refused = grouped("a.jpg", "a.json", DAMAGE, "b.jpg", LINK, "b.json")
    assert groups == [("b", ["jpg", "json"])]
    assert refused == [("a", "damaged_tar")]


def test_keys_that_webdataset_would_cut_are_told_about() -> None:
    groups, refused = grouped("48.85.jpg", "48.86.json", "a.b.cls", "README", ".hidden")
    assert groups == [("a", ["b.cls"])]
    assert refused == [
        ("48.85.jpg", "dot_in_key"),
        ("48.86.json", "dot_in_key"),
        ("README", "no_key"),
        (".hidden", "no_key"),
    ]


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        ({"jpg": 1, "json": 1}, None),
        ({"webp": 1, "json": 65_536, "txt": 1}, None),
        ({"json": 1}, "no_image: only json"),
        ({"jpg": 1}, "no_metadata"),
        ({"jpg": 1, "png": 1, "json": 1}, "two_images: jpg, png"),
        ({"jpg": 0, "json": 1}, "bad_image_size: 0 bytes"),
        ({"jpg": 1 << 30, "json": 1}, "bad_image_size"),
        ({"jpg": 1, "json": 65_537}, "metadata_too_large"),
    ],
)
def test_a_group_is_a_sample_or_has_a_reason(sizes: dict[str, int], reason: str | None) -> None:
    members = {name: Member(f"a.{name}", 0, size) for name, size in sizes.items()}
    if reason is None:
        image, metadata = image_and_metadata(Group("a", members))
        assert (image, metadata) == (next(iter(members.values())), members["json"])
    else:
        with pytest.raises(SampleError, match=reason):
            image_and_metadata(Group("a", members))
