"""A tar that comes as a stream gives the samples that its index would give, or is refused."""

import io
from pathlib import Path

import pytest
from tests.badthings.shardset import good_sample
from tests.badthings.tarbytes import plain
from tests.badthings.tars import BAD_TARS, BadTar

from streetclip.errors import SampleError, ShardError
from streetclip.shards.read import RawSample
from streetclip.shards.stream import stream_samples

SAMPLES = [good_sample(number) for number in range(4)]


class Trickle(io.RawIOBase):
    """A stream that gives a few bytes at a time, as a network does, and cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def read(self, size: int = -1, /) -> bytes:
        return self._data.read(min(size, 700))


@pytest.mark.parametrize("bad", BAD_TARS, ids=lambda bad: bad.name)
def test_a_stream_is_taken_or_refused_as_its_tar_is(bad: BadTar) -> None:
    samples = stream_samples(Trickle(bad.make(SAMPLES)), "https://example.org/0.tar")
    if bad.error is not None:
        with pytest.raises(ShardError, match=rf"example\.org/0\.tar.*({bad.error})"):
            list(samples)
        return
    found = {each.key: each.outcome for each in samples}
    refused = {key: outcome.reason for key, outcome in found.items()
               if isinstance(outcome, SampleError)}  # fmt: skip
    # What stands in the JSON is read later, where captions are written.
    assert refused == {key: why for key, why in bad.rejected.items() if why != "bad_latitude"}
    for number in bad.kept:
        key = bad.new_keys.get(number, SAMPLES[number].key)
        assert found[key] == RawSample(key, SAMPLES[number].image, SAMPLES[number].metadata)


def test_a_stream_that_breaks_off_is_an_error_of_its_tar() -> None:
    class Broken(Trickle):
        def read(self, size: int = -1, /) -> bytes:
            if self._data.tell() > 2000:
                raise TimeoutError("the network is gone")
            return super().read(size)

    with pytest.raises(ShardError, match=r"0\.tar cannot be read to its end; got: the network"):
        list(stream_samples(Broken(plain(SAMPLES)), "0.tar"))


def test_samples_before_the_damage_are_given_before_it_is_met(tmp_path: Path) -> None:
    samples = stream_samples(io.BytesIO(plain(SAMPLES)[:6000]), "0.tar")
    assert next(samples).key == "0000"
    with pytest.raises(ShardError, match="is cut short"):
        list(samples)
