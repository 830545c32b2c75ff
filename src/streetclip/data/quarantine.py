"""Bad photographs: which, why, what took their place, and when there are too many."""

import json
import logging
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from streetclip.errors import SampleError, ShardError, hide_secrets
from streetclip.shards.layout import write_whole

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
    """Lists bad photographs, each once, and stops the run when there are too many.

    It is told of those of all ranks, so every rank has the same list and stops at the same step;
    one of them keeps it in a file too. The list is part of a checkpoint, and the file follows it:
    what a killed run had listed after its checkpoint is listed again when it is met again.

    Args:
        path: `quarantine.jsonl` of the run; None only counts.
        max_bad_samples: The run stops when more photographs than this are bad.
    """

    def __init__(self, path: Path | None, *, max_bad_samples: int) -> None:
        self.path = path
        self.max_bad_samples = max_bad_samples
        self.listed: dict[tuple[str, str], BadSample] = {}

    def __len__(self) -> int:
        return len(self.listed)

    def record(self, bad: Sequence[BadSample], *, write: bool = True) -> None:
        """Take note of the bad photographs of a batch.

        Args:
            bad: Those of all ranks, in the order of the ranks; those that are known already are
                not listed again.
            write: Also add them to the file; one rank does.

        Raises:
            ShardError: When more than `max_bad_samples` are bad, with the worst shards.
        """
        known = len(self)
        for sample in bad:
            self.listed.setdefault(_name(sample), sample)
        new = list(self.listed.values())[known:]
        for sample in new:
            key = sample.key or sample.sample
            logger.warning(
                "bad photograph %s in %s: %s %s", key, sample.shard, sample.reason, sample.detail
            )
        if new and write:
            self._append(new)
        if new:
            self._stop_if_too_many()

    def worst_shards(self) -> list[tuple[str, int]]:
        """Shards with the most bad photographs, worst first."""
        return Counter(sample.shard for sample in self.listed.values()).most_common(_WORST_SHARDS)

    def state_dict(self) -> list[dict[str, Any]]:
        """The list in plain types, for a checkpoint."""
        return [sample._asdict() for sample in self.listed.values()]

    def load_state_dict(self, state: Sequence[Mapping[str, Any]]) -> None:
        """Take over the list of a checkpoint; `rewrite` makes the file follow."""
        # Older runs kept whole URLs.
        samples = [BadSample(**{**entry, "shard": hide_secrets(entry["shard"])}) for entry in state]
        self.listed = {_name(sample): sample for sample in samples}

    def rewrite(self) -> None:
        """Make the file hold what is listed, no more and no less."""
        if self.path is not None and (self.listed or self.path.exists()):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_whole(self.path, _lines(list(self.listed.values())))

    def _append(self, samples: Sequence[BadSample]) -> None:
        if self.path is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(_lines(samples))
            file.flush()
            os.fsync(file.fileno())

    def _stop_if_too_many(self) -> None:
        if len(self) <= self.max_bad_samples:
            return
        worst = "; ".join(f"{shard}: {count}" for shard, count in self.worst_shards())
        raise ShardError(
            "too many photographs are bad",
            got=f"{len(self)} ({worst})",
            allowed=f"data.max_bad_samples {self.max_bad_samples}",
            remedy=f"they are listed in {self.path}; `streetclip shards verify DIR --clean OUT` "
            "writes a shard set without them",
        )


def _name(sample: BadSample) -> tuple[str, str]:
    return sample.shard, sample.key or str(sample.sample)


def _lines(samples: Sequence[BadSample]) -> bytes:
    lines = [json.dumps(sample._asdict(), ensure_ascii=False) + "\n" for sample in samples]
    return "".join(lines).encode()
