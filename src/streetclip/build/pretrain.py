"""One training run, from options to a finished run folder."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl

from streetclip.build.arithmetic import check_schedule, total_steps
from streetclip.build.check import Parts, check
from streetclip.build.model import training_module
from streetclip.build.precision import with_precision
from streetclip.build.remote import cache_of, prefetch_of
from streetclip.build.resume import choose_run, opened
from streetclip.build.sources import Sources, is_bare, open_set, prepare
from streetclip.build.trainer import make_trainer
from streetclip.config.describe import describe
from streetclip.config.load import to_plain
from streetclip.config.schema import Experiment
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.data.loader import clear_about_workers
from streetclip.data.quarantine import Quarantine
from streetclip.errors import Preempted, StreetclipError
from streetclip.evaluation.probe_set import ProbeSet, checked
from streetclip.shards.cache import Cache
from streetclip.shards.layout import ShardSet
from streetclip.training.durable import clear_about_the_disk
from streetclip.training.launch import decide, find_ranks, leave_after_rank_0
from streetclip.training.run_folder import RunFolder
from streetclip.training.signals import StopSignals

_log = logging.getLogger(__name__)

# Options that decide where and how fast a run runs, or what is looked at, but not what it learns.
_FREE = {
    "": ("name", "runs_dir", "checkpoint", "evaluation"),
    "data": (
        *("source", "val_source", "shards_dir", "sample_world", "shards", "remote", "workers"),
        *("max_bad_samples", "log_samples", "expected_photos"),
    ),
    "trainer": (
        *("accelerator", "devices", "num_nodes", "strategy"),
        *("log_every_n_steps", "loggers", "progress"),
    ),
}


def pretrain(
    options: Experiment, *, resume: str | None = None, signals: StopSignals | None = None
) -> Path:
    """Train, on every rank that was started.

    Args:
        options: Of the experiment.
        resume: None begins a new run; `auto` continues the newest unfinished run of this
            experiment, or begins a new one and says why; else a run folder, a checkpoint, or the
            URL of one.
        signals: What asks the run to leave; None is never asked.

    Returns:
        The run folder.

    Raises:
        Preempted: The run was asked to leave, and has saved.
        StreetclipError: Wrong input, or the run had to be stopped.
    """
    if signals is not None:
        signals.watch()
        if find_ranks().rank > 0:
            signals.wait()  # Rank 0 may be in the middle of what the others wait for.
    parts, options = check(options), with_precision(options)
    probe = _checked(parts.probe)
    sources = Sources(**decide("sources", lambda: asdict(_prepare(options))))
    datamodule = _datamodule(options, parts, sources)
    check_schedule(options.optim, total_steps(datamodule.steps_per_epoch, options.trainer))
    _compare(options, datamodule)
    sets = _evaluation_sets(sources, cache_of(options.data.remote))
    fingerprint = _fingerprint(options, datamodule)
    chosen = decide(
        "run",
        lambda: choose_run(
            Path(options.runs_dir),
            options.name,
            config=lambda: _resolved(options, sources),
            fingerprint=fingerprint,
            resume=resume,
            cache=cache_of(options.data.remote),
        ),
    )
    if signals is not None:
        signals.wait()
    run = opened(Path(str(chosen["run"])))
    checkpoint = Path(chosen["checkpoint"]) if chosen["checkpoint"] else None
    with _closing(run) as ending:
        datamodule.quarantine = Quarantine(
            run.path / "quarantine.jsonl", max_bad_samples=options.data.max_bad_samples
        )
        trainer = make_trainer(
            options,
            run,
            protocol=parts.protocol,
            train=datamodule.shard_set,
            sets=sets,
            fingerprint=fingerprint,
            checkpoint=checkpoint,
            signals=signals,
            probe=probe,
        )
        ending.trainer = trainer
        module = training_module(options, parts.backbone)
        with clear_about_the_disk(run.path), clear_about_workers():
            trainer.fit(module, datamodule, ckpt_path=checkpoint, weights_only=True)
    return run.path


def _prepare(options: Experiment) -> Sources:
    return prepare(options.data, options.evaluation.sets, progress=options.trainer.progress)


def _checked(probe: ProbeSet | None) -> ProbeSet | None:
    """The first rank decodes all photographs once, and tells the others their digest."""
    if probe is None:
        return None
    return replace(probe, digest=decide("probe", lambda: checked(probe).digest))


def _datamodule(options: Experiment, parts: Parts, sources: Sources) -> StreetclipDataModule:
    data, cache = options.data, cache_of(options.data.remote)
    # Only the resampled order gets by without an index; an indexed set knows its own size.
    bare = data.order == "resampled" and is_bare(sources.train)
    train = [sources.train] if bare else open_set(sources.train, cache)
    return StreetclipDataModule(
        train,
        preprocess=parts.backbone.preprocess,
        tokenize=parts.backbone.tokenize,
        template=parts.template,
        batch_size=data.batch_size,
        lanes=data.lanes,
        window=data.window,
        seed=options.seed,
        workers=data.workers,
        scale_min=data.augment.scale_min,
        flip=data.augment.flip,
        order=data.order,
        spread_countries=data.spread_countries,
        samples_per_epoch=data.samples_per_epoch,
        shuffle_samples=data.shuffle_samples,
        shuffle_mib=data.shuffle_mib,
        max_bad_samples=data.max_bad_samples,
        cache=cache,
        prefetch=prefetch_of(data.remote),
    )


def _compare(options: Experiment, datamodule: StreetclipDataModule) -> None:
    expected, found = options.data.expected_photos, datamodule.shard_set
    if expected is not None and found is not None and len(found) != expected:
        _log.warning(
            "data.expected_photos is %d, and %s holds %d", expected, found.location, len(found)
        )


def _evaluation_sets(sources: Sources, cache: Cache) -> dict[str, ShardSet]:
    sets = {"val": open_set(sources.val, cache)} if sources.val is not None else {}
    if not sets:
        _log.warning("no validation photographs: set data.val_source, or data.shards.val_share")
    return {**sets, **{name: open_set(folder, cache) for name, folder in sources.sets.items()}}


def _fingerprint(options: Experiment, datamodule: StreetclipDataModule) -> dict[str, Any]:
    plain = to_plain(options)
    for group, names in _FREE.items():
        values = plain[group] if group else plain
        for name in names:
            values.pop(name)
    return {"options": plain, "batches": datamodule.fingerprint()}


def _resolved(options: Experiment, sources: Sources) -> str:
    """All options, with the shard sets that the sources became: what `benchmark` finds again."""
    lines = f"# made from data.source: {options.data.source}\n"
    resolved = Experiment(**vars(options))
    resolved.data = type(options.data)(**vars(options.data))
    resolved.data.source = sources.train
    resolved.data.val_source = sources.val
    return lines + describe(resolved)


@dataclass
class _Ending:
    trainer: pl.Trainer | None = None

    @property
    def has_begun(self) -> bool:
        """Steps are counted from the checkpoint on as soon as model and data have accepted it."""
        return self.trainer is not None and self.trainer.global_step > 0


@contextmanager
def _closing(run: RunFolder) -> Iterator[_Ending]:
    """Say in the run's folder how it ended, whatever happens, and let go of it."""
    is_first, ending = find_ranks().rank == 0, _Ending()
    try:
        yield ending
    except BaseException as error:
        if is_first:
            _close(run, error, has_begun=ending.has_begun)
        elif isinstance(error, Preempted):
            leave_after_rank_0()
        raise
    else:
        if is_first:
            run.set_status("finished")
            _log.info("finished: %s", run.path)
    finally:
        if is_first:
            run.release()


def _close(run: RunFolder, error: BaseException, *, has_begun: bool) -> None:
    """On a full disk the error itself must do."""
    reason = str(error) if isinstance(error, StreetclipError) else repr(error)
    with suppress(OSError):
        if isinstance(error, Preempted):
            run.set_status("preempted", reason=reason)
        elif run.was_reopened and not has_begun:
            run.leave_as_it_was()
        else:
            run.set_status("failed", reason=reason)
