"""The LightningDataModule: plan, data set, sampler and loader put together, and the cursor."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from torch.utils.data import Dataset

from streetclip.captions.template import Template
from streetclip.data.batch import Batch, Recipe, Tokenize
from streetclip.data.dataset import Cursor, PlannedDataset, StepSampler
from streetclip.data.given import (
    countries_of,
    differences,
    indexed,
    opener,
    refuse_spread,
    stated,
    tars,
)
from streetclip.data.loader import StepLoader, make_loader, safe_start_method
from streetclip.data.plan import Plan
from streetclip.data.prefetch import Prefetch, Prefetcher, seat_of
from streetclip.data.quarantine import BadSample, Quarantine
from streetclip.data.resampled import ResampledDataset
from streetclip.data.side_channel import SideChannel
from streetclip.data.stages import expand_urls
from streetclip.errors import PlanError
from streetclip.records import Preprocess
from streetclip.shards.cache import Cache
from streetclip.shards.layout import ShardSet

logger = logging.getLogger(__name__)

STATE_VERSION = 1


class StreetclipDataModule(pl.LightningDataModule):
    """Training batches of a shard set in planned or resampled order.

    Args:
        train: A shard set, or for the resampled order paths or URLs of tars.
        preprocess: Height and width that the model expects.
        tokenize: Texts to int64 [n, t]; must be picklable.
        template: Writes the captions.
        batch_size: Pairs in one optimiser step over all ranks.
        lanes: Equal parts that an epoch is cut into; None is gcd(batch_size, 192).
        window: Neighbouring positions of a lane that are shuffled among each other.
        seed: Decides order, captions and crops.
        workers: Loader processes of one rank; 0 loads in the training process.
        scale_min: A random crop keeps at least this share of the area.
        flip: Mirror half of the photographs.
        order: ``"planned"`` or ``"resampled"``.
        spread_countries: Only planned: photographs of a country go to different steps.
        samples_per_epoch: Only resampled: how many samples count as an epoch.
        shuffle_samples: Only resampled: samples in a worker's shuffle buffer, at most.
        shuffle_mib: Only resampled: mebibytes in a worker's shuffle buffer, at most.
        max_bad_samples: The run stops when more photographs than this are bad.
        quarantine: File that lists bad photographs, or None.
        start_method: How workers start (``"fork"``, ``"forkserver"``, ``"spawn"``); None chooses.
        cache: Keeps what is fetched from URLs of tars; a shard set at a URL has its own.
        prefetch: Only planned: how much of a shard set at a URL is fetched ahead.

    Raises:
        PlanError: If the numbers do not fit together.
        ShardError: If the shards cannot be used in that order.
    """

    def __init__(
        self,
        train: ShardSet | Sequence[str],
        *,
        preprocess: Preprocess,
        tokenize: Tokenize,
        template: Template,
        batch_size: int,
        lanes: int | None = None,
        window: int = 512,
        seed: int = 0,
        workers: int = 0,
        scale_min: float = 0.9,
        flip: bool = False,
        order: str = "planned",
        spread_countries: bool = False,
        samples_per_epoch: int | None = None,
        shuffle_samples: int = 2000,
        shuffle_mib: int = 512,
        max_bad_samples: int = 100,
        quarantine: Path | None = None,
        start_method: str | None = None,
        cache: Cache | None = None,
        prefetch: Prefetch | None = None,
    ) -> None:
        super().__init__()
        self.cursor = Cursor()
        self.recipe = Recipe(preprocess, template, scale_min=scale_min, flip=flip)
        self.tokenize = tokenize
        self.batch_size = batch_size
        self.seed = seed
        self.workers = workers
        self.order = order
        self.shuffle_samples = shuffle_samples
        self.shuffle_mib = shuffle_mib
        self.start_method = start_method
        self.quarantine = Quarantine(quarantine, max_bad_samples=max_bad_samples)
        self._ranks = SideChannel()
        self.prefetch = prefetch or Prefetch()
        self._prefetcher: Prefetcher | None = None
        self.shard_set: ShardSet | None = None
        self.urls: list[str] = []
        if order == "planned":
            self.shard_set = indexed(train)
            self.plan = Plan(
                self.shard_set.samples_per_shard,
                batch_size=batch_size,
                lanes=lanes,
                window=window,
                seed=seed,
                countries=countries_of(self.shard_set, wanted=spread_countries),
            )
        elif order == "resampled":
            refuse_spread(wanted=spread_countries)
            self.urls = expand_urls(tars(train))
            self.open_tar = opener(train, cache)
            self.samples_per_epoch = stated(samples_per_epoch, train)
        else:
            raise PlanError("data.order is unknown", got=order, allowed="planned, resampled")

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps of an epoch."""
        if self.order == "planned":
            return self.plan.steps_per_epoch
        return self.samples_per_epoch // self.batch_size

    def train_dataloader(self) -> StepLoader:
        """The loader of this rank, starting at the cursor."""
        if self._rank_and_world()[0] == 0:
            self.quarantine.rewrite()
            self._announce()
        return make_loader(
            self._dataset(),
            StepSampler(self.steps_per_epoch, cursor=self.cursor, on_step=self._look_ahead()),
            workers=self.workers,
            start_method=self.start_method or safe_start_method(self._places()),
        )

    def teardown(self, stage: str) -> None:
        """Stop fetching ahead."""
        if self._prefetcher is not None:
            self._prefetcher.stop()

    def on_exception(self, exception: BaseException) -> None:
        """Stop fetching ahead, since Lightning tears nothing down after an error."""
        self.teardown("fit")

    def on_before_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Take note of bad photographs in the training process, where all of them pass."""
        if isinstance(batch, dict) and "bad" in batch:
            self._record(batch["bad"])
        return batch

    def fingerprint(self) -> dict[str, Any]:
        """All that decides the batches, in plain types; not ranks and workers, which do not."""
        shared: dict[str, Any] = {"order": self.order, **self.recipe.fingerprint()}
        if self.shard_set is not None:
            return {**shared, **self.plan.fingerprint(), "shard_set": self.shard_set.digest}
        urls = "\n".join(self.urls)
        return {
            **shared,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "samples_per_epoch": self.samples_per_epoch,
            "shuffle_samples": self.shuffle_samples,
            "shuffle_mib": self.shuffle_mib,
            "urls": hashlib.sha256(urls.encode()).hexdigest(),
        }

    def state_dict(self) -> dict[str, Any]:
        """Where to go on, and what the batches there depend on; the same on all ranks."""
        return {
            "version": STATE_VERSION,
            "fingerprint": self.fingerprint(),
            "epoch": self.cursor.epoch,
            "step": self.cursor.step,
            "quarantine": self.quarantine.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on where a checkpoint stopped.

        Args:
            state_dict: From `state_dict`.

        Raises:
            PlanError: If the checkpoint belongs to other batches; names what differs.
        """
        if state_dict.get("version") != STATE_VERSION:
            raise PlanError(
                "the checkpoint's data state is of another version",
                got=state_dict.get("version"),
                allowed=STATE_VERSION,
            )
        found = differences(state_dict["fingerprint"], self.fingerprint())
        if found:
            raise PlanError(
                "the checkpoint was trained on other batches, so this run cannot continue it",
                got="; ".join(found),
                remedy="use the options and shards of that run, or take only its weights with "
                "model.start_from",
            )
        # The sampler holds this very object.
        self.cursor.epoch = int(state_dict["epoch"])
        self.cursor.step = int(state_dict["step"])
        self.quarantine.load_state_dict(state_dict.get("quarantine", ()))

    def _record(self, bad: Sequence[BadSample]) -> None:
        """Tell all ranks of the bad photographs of a batch, so that they count and stop alike."""
        if self._ranks.total(len(bad))[0] > 0:
            of_all = [sample for part in self._ranks.gather(list(bad)) for sample in part]
            self.quarantine.record(of_all, write=self._rank_and_world()[0] == 0)

    def _dataset(self) -> Dataset[Batch]:
        rank, world = self._rank_and_world()
        if self.shard_set is not None:
            return PlannedDataset(
                self.shard_set,
                self.plan,
                recipe=self.recipe,
                tokenize=self.tokenize,
                rank=rank,
                world=world,
            )
        return ResampledDataset(
            self.urls,
            recipe=self.recipe,
            tokenize=self.tokenize,
            batch_size=self.batch_size,
            samples_per_epoch=self.samples_per_epoch,
            shuffle_samples=self.shuffle_samples,
            shuffle_bytes=self.shuffle_mib * 2**20,
            open_tar=self.open_tar,
            seed=self.seed,
            rank=rank,
            world=world,
        )

    def _places(self) -> list[str]:
        return self.urls if self.shard_set is None else [self.shard_set.location]

    def _look_ahead(self) -> Callable[[int, int], object] | None:
        """What to tell of every step that is handed out; None where all shards are here."""
        self.teardown("fit")
        if self.shard_set is None or self.shard_set.remote is None or not self.prefetch.shards:
            return None
        self._prefetcher = Prefetcher(
            self.shard_set,
            self.plan,
            seat=seat_of(self.trainer),
            amount=self.prefetch,
            lag=2 * self.workers,
            epochs=self.trainer.max_epochs if self.trainer else None,
        )
        return self._prefetcher.at

    def _rank_and_world(self) -> tuple[int, int]:
        if self.trainer is None:
            return 0, 1
        return self.trainer.global_rank, self.trainer.world_size

    def _announce(self) -> None:
        if self.order == "planned":
            logger.info(
                "an epoch: %d samples, %d steps of %d; the last %d samples, others in each epoch, "
                "fill no batch",
                self.plan.samples,
                self.plan.steps_per_epoch,
                self.batch_size,
                self.plan.tail,
            )
            return
        logger.info(
            "an epoch: %d samples drawn from %d shards, %d steps of %d",
            self.samples_per_epoch,
            len(self.urls),
            self.steps_per_epoch,
            self.batch_size,
        )
        logger.warning(
            "data.order=resampled cannot resume exactly: a resumed run sees other samples than an "
            "uninterrupted one; `streetclip shards index DIR` makes the index that data.order="
            "planned needs, without changing a tar"
        )
