"""The same picture keeps its hashes, whatever was done to its file."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.tinyshards import write_tiny_shards

from streetclip.errors import SampleError
from streetclip.shards.fingerprint import (
    area_means,
    cosine_hash,
    decoded_gray,
    distance_bits,
    fingerprints,
    gradient_hash,
    is_flat,
)
from streetclip.shards.layout import open_shard_set


def _noise(seed: int, side: int = 64) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0, 255, (side, side))


def test_fields_have_the_mean_of_their_pixels() -> None:
    gray = _noise(1, 72)
    expected = gray.reshape(8, 9, 9, 8).mean(axis=(1, 3))
    np.testing.assert_allclose(area_means(gray, 8, 9), expected)
    np.testing.assert_allclose(area_means(gray[:5, :7], 1, 1), [[gray[:5, :7].mean()]])
    np.testing.assert_allclose(area_means(np.array([[1.0, 4.0]]), 1, 3), [[1.0, 2.5, 4.0]])


def test_the_gradient_hash_compares_each_field_with_its_right_neighbor() -> None:
    fields = np.random.default_rng(2).permutation(72).reshape(8, 9).astype(np.float64)
    bits = "".join(
        "1" if fields[row, column] > fields[row, column + 1] else "0"
        for row in range(8)
        for column in range(8)
    )
    assert gradient_hash(np.kron(fields, np.ones((6, 5)))) == int(bits, 2)


def test_the_cosine_hash_is_that_of_the_transform_in_scipy() -> None:
    from scipy.fft import dctn

    gray = _noise(3)
    small = gray.reshape(32, 2, 32, 2).mean(axis=(1, 3))
    frequencies = dctn(small, type=2)[:8, :8]
    # The transform of scipy is larger by one factor for all frequencies, which moves no bit.
    above = frequencies > np.median(frequencies.ravel()[1:])
    above[0, 0] = False
    assert cosine_hash(gray) == int("".join("01"[int(bit)] for bit in above.ravel()), 2)


def test_brightness_and_contrast_change_no_hash() -> None:
    gray = _noise(4)
    for other in (gray + 30, gray * 0.5, 255 - (255 - gray) * 0.7):
        assert gradient_hash(other) == gradient_hash(gray)
        assert cosine_hash(other) == cosine_hash(gray)


def test_the_negative_of_a_picture_is_another_one() -> None:
    gray = _noise(5)
    assert (gradient_hash(gray) ^ gradient_hash(255 - gray)).bit_count() == 64
    assert (cosine_hash(gray) ^ cosine_hash(255 - gray)).bit_count() > 60


def test_bits_are_counted() -> None:
    hashes = np.random.default_rng(6).integers(0, 2**64, (2, 50), dtype=np.uint64)
    expected = [(int(a) ^ int(b)).bit_count() for a, b in hashes.T]
    assert distance_bits(hashes[0], hashes[1]).tolist() == expected


def test_plain_surfaces_are_told() -> None:
    assert is_flat(np.full((64, 64), 99.0) + _noise(7) / 255)
    assert not is_flat(np.tile(np.linspace(90, 110, 64), (64, 1)))


def _jpeg(pixels: np.ndarray, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "JPEG", **options)
    return out.getvalue()


def test_a_photograph_is_decoded_small_upright_and_gray() -> None:
    wide = np.zeros((300, 900, 3))
    wide[:, :450] = 255
    gray = decoded_gray(_jpeg(wide))
    assert gray.shape == (43, 128)
    assert gray[:, 10].mean() > 250
    exif = Image.Exif()
    exif[274] = 6  # to be turned clockwise by a quarter
    turned = decoded_gray(_jpeg(wide, exif=exif))
    assert turned.shape == (128, 43)
    assert turned[10].mean() > 250
    with pytest.raises(SampleError, match="unreadable_image"):
        decoded_gray(b"no picture")


def test_a_shard_set_is_hashed_in_its_order_by_any_number_of_processes(tmp_path: Path) -> None:
    shard_set = open_shard_set(write_tiny_shards(tmp_path, sizes=(5, 3)))
    seen: list[tuple[str, int, int]] = []
    alone = fingerprints(shard_set, on_progress=lambda *step: seen.append(step))
    assert seen == [("hash", 5, 8), ("hash", 8, 8)]
    assert alone.keys == tuple(
        f"s{shard}_{n:03d}" for shard in (0, 1) for n in range((5, 3)[shard])
    )
    assert len(alone) == len(set(alone.gradient.tolist())) == 8
    assert alone.digest == shard_set.digest
    assert set(alone.latlon[:, 1]) == {20.0}
    together = fingerprints(shard_set, processes=2)
    for name in ("gradient", "cosine", "flat", "latlon"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(together, name))


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    shard_set = open_shard_set(write_tiny_shards(tmp_path, sizes=(3,)))
    tar = tmp_path / "000000.tar"
    raw = bytearray(tar.read_bytes())
    start = raw.index(b"\xff\xd8\xff")
    raw[start + 100 : start + 110] = bytes(10)
    tar.write_bytes(bytes(raw))
    found = fingerprints(shard_set)
    assert len(found) == 2
    assert [(key, reason.partition(":")[0]) for key, reason in found.unreadable] == [
        ("s0_000", "image_checksum")
    ]
