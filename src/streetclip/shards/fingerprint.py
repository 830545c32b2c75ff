"""Two perceptual hashes of every photograph of a shard set, to find the same picture again.

A picture that was compressed again, resized, brightened or slightly cut keeps both; the bytes, and
every digest of them, differ. Each alone meets chance matches among street photographs (a sky above
a road gives many of them similar gradients), both together hardly ever.

Source: the difference hash as N. Krawetz described it ("Kind of Like That", 2013), and the hash of
low cosine frequencies of C. Zauner ("Implementation and Benchmarking of Perceptual Image Hash
Functions", 2010), here against the median of the frequencies.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from jaxtyping import Bool, Float, Float64, UInt8, UInt64

from streetclip.errors import SampleError
from streetclip.shards.layout import ShardSet
from streetclip.shards.picture import open_photograph
from streetclip.shards.pixels import upright_rgb
from streetclip.shards.pool import in_processes
from streetclip.shards.progress import OnProgress
from streetclip.shards.read import ShardReader
from streetclip.shards.sample import parse_metadata

BITS = 64
# Four times what the finer of the two hashes looks at; a JPEG is decoded at a fraction of its size.
_DECODED_PX = 128
_COSINE_PX = 32
_SIDE = 8
# Gray levels from 0 to 255: below this a picture is a plain surface, and its hash is noise.
_FLAT_LEVELS = 3.0
_CHUNK = 500


@dataclass(frozen=True)
class Fingerprints:
    """What is kept of each photograph of a shard set, in its order.

    Args:
        digest: Of the shard set.
        keys: Of the samples that could be read.
        gradient: Hash of the differences between neighbors.
        cosine: Hash of the low cosine frequencies.
        flat: Photographs with too little contrast to tell them apart.
        latlon: Degrees; NaN where nobody knows.
        unreadable: Keys of samples that could not be read, with reasons.
    """

    digest: str
    keys: tuple[str, ...]
    gradient: UInt64[np.ndarray, " n"]
    cosine: UInt64[np.ndarray, " n"]
    flat: Bool[np.ndarray, " n"]
    latlon: Float64[np.ndarray, "n 2"]
    unreadable: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True, slots=True)
class _Job:
    shard_set: ShardSet
    start: int
    stop: int


@dataclass(frozen=True)
class _Part:
    keys: list[str]
    hashes: list[tuple[int, int, bool]]
    points: list[tuple[float, float]]
    unreadable: list[tuple[str, str]]


def fingerprints(
    shard_set: ShardSet, *, processes: int = 1, on_progress: OnProgress | None = None
) -> Fingerprints:
    """Hashes every photograph of a shard set.

    Args:
        shard_set: Any.
        processes: How many work at a time.
        on_progress: Called with ``"hash"``, how many photographs are done, and how many there are.

    Returns:
        Hashes and coordinates; nothing is written.

    Raises:
        ShardError: A tar is missing, has changed or cannot be fetched.
    """
    jobs = list(_jobs(shard_set))
    total, done = len(shard_set), 0
    parts: list[_Part] = []
    few = processes if len(jobs) > 1 else 1
    for job, part in zip(jobs, in_processes(_hash_part, jobs, processes=few), strict=True):
        parts.append(part)
        done += job.stop - job.start
        if on_progress is not None:
            on_progress("hash", done, total)
    hashes = [each for part in parts for each in part.hashes]
    points = [point for part in parts for point in part.points]
    return Fingerprints(
        digest=shard_set.digest,
        keys=tuple(key for part in parts for key in part.keys),
        gradient=np.array([gradient for gradient, _, _ in hashes], dtype=np.uint64),
        cosine=np.array([cosine for _, cosine, _ in hashes], dtype=np.uint64),
        flat=np.array([flat for _, _, flat in hashes], dtype=np.bool_),
        latlon=np.array(points, dtype=np.float64).reshape(-1, 2),
        unreadable=tuple(bad for part in parts for bad in part.unreadable),
    )


def decoded_gray(raw: bytes) -> Float64[np.ndarray, "h w"]:
    """The gray picture that is hashed, 128 pixels at its longer side.

    Args:
        raw: The photograph's bytes.

    Returns:
        Brightness, 0 to 255.

    Raises:
        SampleError: It cannot be decoded.
    """
    with open_photograph(raw) as image:
        rgb = upright_rgb(image, raw, max_side_px=_DECODED_PX, quick=True)
    return np.asarray(rgb.convert("L"), dtype=np.float64)


def gradient_hash(gray: Float[np.ndarray, "h w"]) -> int:
    """Whether the picture gets darker from each of 8 x 9 fields to its right neighbor.

    Args:
        gray: Brightness.

    Returns:
        64 bits, row after row, the first the highest.

    Example:
        >>> import numpy as np
        >>> bright_to_dark = np.tile(np.linspace(255, 0, 90), (80, 1))
        >>> hex(gradient_hash(bright_to_dark)), gradient_hash(bright_to_dark[:, ::-1])
        ('0xffffffffffffffff', 0)
    """
    fields = area_means(gray, _SIDE, _SIDE + 1)
    return _to_int(fields[:, :-1] > fields[:, 1:])


def cosine_hash(gray: Float[np.ndarray, "h w"]) -> int:
    """Which of the 8 x 8 lowest cosine frequencies are above their median.

    Args:
        gray: Brightness; a constant added to it or a factor changes nothing.

    Returns:
        64 bits; the mean brightness takes no part in the median.
    """
    waves = _cosines(_COSINE_PX)[:_SIDE]
    frequencies = waves @ area_means(gray, _COSINE_PX, _COSINE_PX) @ waves.T
    median = np.median(frequencies.ravel()[1:])
    bits = frequencies > median
    # Of the mean only the sign would count, which is the same for every picture.
    bits[0, 0] = False
    return _to_int(bits)


def is_flat(gray: Float[np.ndarray, "h w"]) -> bool:
    """Whether a picture has too little contrast for a hash: fog, a wall, a lens cap.

    Args:
        gray: Brightness, 0 to 255.

    Returns:
        True where its fields are all about as bright.
    """
    return float(area_means(gray, _SIDE, _SIDE).std()) < _FLAT_LEVELS


def area_means(
    gray: Float[np.ndarray, "h w"], rows: int, columns: int
) -> Float64[np.ndarray, "rows columns"]:
    """The mean brightness of equal fields; a pixel on a border counts for both by its parts.

    Args:
        gray: Brightness.
        rows: Fields from top to bottom.
        columns: Fields from left to right.

    Returns:
        One mean a field.

    Example:
        >>> import numpy as np
        >>> area_means(np.array([[0.0, 6.0, 12.0]]), 1, 2).tolist()
        [[2.0, 10.0]]
    """
    height, width = gray.shape
    return np.asarray(_shares(height, rows) @ gray @ _shares(width, columns).T)


@cache
def _shares(pixels: int, fields: int) -> Float64[np.ndarray, "fields pixels"]:
    """How much each pixel of a line counts for each field."""
    edges = np.arange(fields + 1) * (pixels / fields)
    left, right = edges[:-1, None], edges[1:, None]
    pixel = np.arange(pixels)[None, :]
    covered = np.clip(np.minimum(right, pixel + 1) - np.maximum(left, pixel), 0.0, None)
    return np.asarray(covered * (fields / pixels))


@cache
def _cosines(size: int) -> Float64[np.ndarray, "size size"]:
    """The waves of the cosine transform (type II), one a row, the slowest first."""
    position, wave = np.arange(size)[None, :], np.arange(size)[:, None]
    return np.asarray(np.cos(np.pi * (position + 0.5) * wave / size))


def _to_int(bits: Bool[np.ndarray, "8 8"]) -> int:
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def _jobs(shard_set: ShardSet) -> Iterator[_Job]:
    """Parts of single tars, each with no more of the set than it reads."""
    for shard in shard_set.shards:
        alone = replace(shard_set, shards=(shard,), countries={}, town_counts={}, options={})
        for start in range(0, shard.samples, _CHUNK):
            yield _Job(alone, start, min(start + _CHUNK, shard.samples))


def _hash_part(job: _Job) -> _Part:
    part = _Part([], [], [], [])
    reader = ShardReader(job.shard_set)
    with job.shard_set.held(0):
        for sample in range(job.start, job.stop):
            key = reader.key(0, sample)
            try:
                raw = reader.read(0, sample)
                columns = parse_metadata(raw.metadata, needs_point=False)
                gray = decoded_gray(raw.image)
            except SampleError as error:
                part.unreadable.append((key, str(error)))
                continue
            part.keys.append(key)
            part.hashes.append((gradient_hash(gray), cosine_hash(gray), is_flat(gray)))
            part.points.append((columns.get("latitude", np.nan), columns.get("longitude", np.nan)))
    reader.close()
    return part


def distance_bits(
    a: UInt64[np.ndarray, "*#shape"], b: UInt64[np.ndarray, "*#shape"]
) -> UInt8[np.ndarray, "*shape"]:
    """In how many bits hashes differ, broadcasting.

    Args:
        a: Hashes.
        b: Hashes.

    Returns:
        0 to 64, as uint8.

    Example:
        >>> import numpy as np
        >>> distance_bits(np.array([7], dtype=np.uint64), np.array([1], dtype=np.uint64)).tolist()
        [2]
    """
    return np.asarray(np.bitwise_count(a ^ b))
