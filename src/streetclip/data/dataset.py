"""Batches by (epoch, step), made from the plan; nothing here remembers what came before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch.utils.data import Dataset, Sampler

from streetclip.data.batch import Batch, Example, Recipe, Tokenize, collate
from streetclip.data.plan import Plan
from streetclip.data.quarantine import BadSample
from streetclip.data.randomness import Purpose, keyed_generator
from streetclip.errors import PlanError, SampleError, ShardError
from streetclip.shards.layout import ShardSet
from streetclip.shards.read import RawSample, ShardReader

__all__ = ["Batch", "Cursor", "PlannedDataset", "StepSampler"]


@dataclass
class Cursor:
    """The step to take next.

    Args:
        epoch: From 0.
        step: Within the epoch, from 0.
    """

    epoch: int = 0
    step: int = 0


class StepSampler(Sampler[tuple[int, int]]):
    """Yields (epoch, step) from the cursor to the epoch's end.

    Its length is always that of a full epoch, because Lightning counts the steps before a resume
    point as done. The cursor is what a checkpoint restores, so it wins over an older epoch that the
    trainer names: lightning 2.6 names epoch 0 when it resumes at the end of an epoch
    (https://github.com/Lightning-AI/pytorch-lightning/issues/21938).

    Args:
        steps_per_epoch: Steps of a full epoch.
        cursor: The step to take next; shared with whoever advances it.
        on_step: Called with epoch and step when a step is handed out to be loaded.
    """

    def __init__(
        self,
        steps_per_epoch: int,
        *,
        cursor: Cursor | None = None,
        on_step: Callable[[int, int], object] | None = None,
    ) -> None:
        self.steps_per_epoch = steps_per_epoch
        self.cursor = Cursor() if cursor is None else cursor
        self.on_step = on_step
        self._named_epoch = 0

    @property
    def start(self) -> int:
        """The first step of the cursor's epoch that is still to take; may be set."""
        return self.cursor.step

    @start.setter
    def start(self, step: int) -> None:
        self.cursor.step = step

    def set_epoch(self, epoch: int) -> None:
        """Name the epoch that comes next; naming it again changes nothing."""
        self._named_epoch = epoch

    def __len__(self) -> int:
        return self.steps_per_epoch

    def __iter__(self) -> Iterator[tuple[int, int]]:
        # No generator: the cursor must be read now, not when the first batch is asked for.
        epoch = max(self._named_epoch, self.cursor.epoch)
        start = self.cursor.step if epoch == self.cursor.epoch else 0
        return self._handed_out(epoch, start)

    def _handed_out(self, epoch: int, start: int) -> Iterator[tuple[int, int]]:
        for step in range(start, self.steps_per_epoch):
            if self.on_step is not None:
                self.on_step(epoch, step)
            yield epoch, step


class PlannedDataset(Dataset[Batch]):
    """One rank's share of every step of a plan.

    Args:
        shard_set: Where the samples lie.
        plan: Which of them make a step.
        recipe: How bytes become an example.
        tokenize: Texts to int64 [n, t]; must be picklable.
        rank: Of this process.
        world: Number of ranks.
    """

    def __init__(
        self,
        shard_set: ShardSet,
        plan: Plan,
        *,
        recipe: Recipe,
        tokenize: Tokenize,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        plan.check_world(world)
        self.plan = plan
        self.recipe = recipe
        self.rank = rank
        self.world = world
        self._names = [entry.file for entry in shard_set.shards]
        self._reader = ShardReader(shard_set)
        self._tokenize = tokenize

    def __len__(self) -> int:
        return self.plan.steps_per_epoch

    def __getitem__(self, epoch_and_step: tuple[int, int] | int) -> Batch:
        """The whole local batch of one step.

        Args:
            epoch_and_step: From a `StepSampler`.

        Raises:
            PlanError: If another sampler asks.
            ShardError: If a shard has no good sample at all.
        """
        if not isinstance(epoch_and_step, tuple):
            raise PlanError(
                "a planned loader is asked by another sampler than StepSampler",
                got=epoch_and_step,
                remedy="make the trainer with use_distributed_sampler=False",
            )
        epoch, step = epoch_and_step
        examples: list[Example] = []
        bad: list[BadSample] = []
        positions = self.plan.positions(epoch, step, rank=self.rank, world=self.world)
        for shard, sample in positions.tolist():
            example, refused = self._example(shard, sample, epoch=epoch, step=step)
            examples.append(example)
            bad += refused
        return collate(examples, self._tokenize, epoch=epoch, step=step, bad=bad)

    def _example(
        self, shard: int, sample: int, *, epoch: int, step: int
    ) -> tuple[Example, list[BadSample]]:
        """The example of a position, or of the next good sample of its shard."""
        count = self.plan.samples_in(shard)
        refused: list[BadSample] = []
        for candidate in ((sample + offset) % count for offset in range(count)):
            try:
                example = self._try(shard, candidate, slot=sample, epoch=epoch)
            except SampleError as error:
                refused.append(
                    BadSample.of(
                        error,
                        shard=self._names[shard],
                        sample=candidate,
                        key=self._reader.key(shard, candidate),
                        epoch=epoch,
                        step=step,
                    )
                )
            else:
                return example, [item._replace(replaced_by=example.key) for item in refused]
        raise ShardError(
            f"every photograph of {self._names[shard]} is bad",
            got=f"{refused[0].key}: {refused[0].reason} {refused[0].detail}".strip(),
            remedy="take the shard out, or build the shard set again",
        )

    def _try(self, shard: int, candidate: int, *, slot: int, epoch: int) -> Example:
        raw: RawSample = self._reader.read(shard, candidate)
        seed = self.plan.seed
        # Keyed by the slot, so that a photograph that stands in for another one gets a caption and
        # a crop of its own there, besides those of its own place in the epoch.
        return self.recipe.make(
            raw,
            caption_rng=keyed_generator(
                seed, epoch, purpose=Purpose.CAPTION, first=shard, second=slot
            ),
            crop_rng=keyed_generator(
                seed, epoch, purpose=Purpose.AUGMENT, first=shard, second=slot
            ),
        )
