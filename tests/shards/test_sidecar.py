"""An index file that was touched is not believed."""

from pathlib import Path

import pytest

from streetclip.errors import ShardError
from streetclip.shards.sidecar import encode_index, make_index, read_index, sidecar_path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    index = make_index(["a", "kö", "c"], [(512, 2048, 9, 8, 7, n) for n in range(3)])
    path = sidecar_path(tmp_path / "000000.tar")
    path.write_bytes(encode_index(index))
    read = read_index(path)
    assert [read.key(n) for n in range(3)] == ["a", "kö", "c"]
    assert read.records.tolist() == index.records.tolist()


def test_an_empty_index_is_an_index(tmp_path: Path) -> None:
    (tmp_path / "a.index").write_bytes(encode_index(make_index([], [])))
    assert len(read_index(tmp_path / "a.index")) == 0


def test_countries_are_read_back_and_may_be_missing(tmp_path: Path) -> None:
    record = (512, 2048, 9, 8, 7, 6)
    for countries, expected in ((["FR", None], b"FR\0\0"), (None, None)):
        index = make_index(["a", "bc"], [record] * 2, countries)
        (tmp_path / "i").write_bytes(encode_index(index))
        read = read_index(tmp_path / "i")
        assert read.countries == expected
        assert [read.key(n) for n in range(2)] == ["a", "bc"]


def test_an_index_of_the_first_version_keeps_its_bytes() -> None:
    # Sets of before are the same sets after they were read and written again.
    raw = encode_index(make_index(["a"], [(512, 2048, 9, 8, 7, 6)]))
    assert raw[8:12] == b"\x01\0\0\0"
    assert len(raw) == 24 + 36 + 1


@pytest.mark.parametrize("countries", [None, ["FR"]])
def test_every_flipped_byte_is_found(tmp_path: Path, countries: list[str] | None) -> None:
    raw = encode_index(make_index(["a"], [(512, 2048, 9, 8, 7, 6)], countries))
    for position in range(len(raw)):
        (tmp_path / "i").write_bytes(
            raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        )
        with pytest.raises(ShardError, match=r"is damaged|is no index|of another version"):
            read_index(tmp_path / "i")


def test_a_cut_or_missing_index_names_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "i").write_bytes(encode_index(make_index(["a"], [(1, 2, 3, 4, 5, 6)]))[:-1])
    with pytest.raises(ShardError, match="streetclip shards index"):
        read_index(tmp_path / "i")
    with pytest.raises(ShardError, match="cannot be read"):
        read_index(tmp_path / "absent")


@pytest.mark.parametrize(
    ("record", "fits"),
    [
        ((512, 2048, 9, 8, 7, 6), True),
        ((512, 2048, 488, 952, 7, 6), True),
        ((512, 2048, 9, 953, 7, 6), False),
        ((2992, 2048, 9, 8, 7, 6), False),
        ((1 << 63, 2048, 9, 8, 7, 6), False),
        (((1 << 64) - 4, 2048, 9, 8, 7, 6), False),
        ((512, 2048, (1 << 32) - 1, 8, 7, 6), False),
    ],
)
def test_places_outside_a_tar_are_seen(record: tuple[int, ...], fits: bool) -> None:
    good = (512, 2048, 9, 8, 7, 6)
    assert make_index(["a", "b"], [good, record]).lies_within(3000) is fits


def test_a_tar_may_be_larger_than_its_members() -> None:
    record = ((1 << 40), (1 << 40) + 512, 9, 8, 7, 6)
    assert make_index(["a"], [record]).lies_within(1 << 41)
    assert make_index([], []).lies_within(0)
