"""Bad photographs: which, why, what took their place, and when there are too many."""

import json
import logging
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from streetclip.errors import SampleError, ShardError

logger = logging.getLogger(__name__)

_WORST_SHARDS = 5


class BadSample(NamedTuple):
    """One photograph that a batch should have held and could not.

    A tuple, because Lightning refuses frozen dataclasses in a batch.

    Args:
        shard: File name or URL of its shard.
        sample: Its number in the shard.
        key: Its key, or empty where even that is unknown.
        reason: Short code of the `SampleError`.
        detail: What exactly was found.
        epoch: When it was met.
        step: When it was met.
        replaced_by: Key of the photograph that stands in its place, or None where none needs to.
    """

    shard: str
    sample: int
    key: str
    reason: str
    detail: str
    epoch: int
    step: int
    replaced_by: str | None = None

    @classmethod
    def of(
        cls, error: SampleError, *, shard: str, sample: int, key: str, epoch: int, step: int
    ) -> "BadSample":
        """What a `SampleError` says about one sample."""
        return cls(shard, sample, key, error.reason, error.detail, epoch, step)


class Quarantine:
    """Lists bad photographs in a file, each once, and stops the run when there are too many.

    All ranks of a run append to one file and count its lines, so they agree on the number; a
    resumed run goes on counting where the file ends.

    Args:
        path: `quarantine.jsonl` of the run; None only counts.
        max_bad_samples: The run stops when more photographs than this are bad.
    """

    def __init__(self, path: Path | None, *, max_bad_samples: int) -> None:
        self.path = path
        self.max_bad_samples = max_bad_samples
        self._shards: dict[tuple[str, str], str] = {}
        self._read_bytes = 0

    def __len__(self) -> int:
        return len(self._shards)

    def record(self, bad: Sequence[BadSample]) -> None:
        """Take note of the bad photographs of a batch.

        Args:
            bad: May hold photographs that are known already; those are not listed again.

        Raises:
            ShardError: When more than `max_bad_samples` are bad, with the worst shards.
        """
        if not bad:
            return
        self._read_others()
        for sample in bad:
            name = (sample.shard, sample.key or str(sample.sample))
            if name in self._shards:
                continue
            self._shards[name] = sample.shard
            logger.warning(
                "bad photograph %s in %s: %s %s", *reversed(name), sample.reason, sample.detail
            )
            self._append(sample)
        self._stop_if_too_many()

    def worst_shards(self) -> list[tuple[str, int]]:
        """Shards with the most bad photographs, worst first."""
        return Counter(self._shards.values()).most_common(_WORST_SHARDS)

    def _append(self, sample: BadSample) -> None:
        if self.path is None:
            return
        line = json.dumps(sample._asdict(), ensure_ascii=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # One write in append mode keeps the lines of several ranks apart.
        with self.path.open("ab", buffering=0) as file:
            file.write(line.encode())
            os.fsync(file.fileno())

    def _read_others(self) -> None:
        """Count what other ranks, or this run before it was resumed, have listed."""
        if self.path is None or not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read_bytes)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read_bytes += len(line)
                entry = json.loads(line)
                name = (entry["shard"], entry["key"] or str(entry["sample"]))
                self._shards[name] = entry["shard"]

    def _stop_if_too_many(self) -> None:
        if len(self) <= self.max_bad_samples:
            return
        worst = "; ".join(f"{shard}: {count}" for shard, count in self.worst_shards())
        raise ShardError(
            "too many photographs are bad",
            got=f"{len(self)} ({worst})",
            allowed=f"data.max_bad_samples {self.max_bad_samples}",
            remedy=f"they are listed in {self.path}; see also `streetclip shards verify`",
        )
