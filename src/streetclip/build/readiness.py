"""Everything that can be wrong with a benchmark, found before the first photograph is embedded."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from streetclip.build.devices import check_devices
from streetclip.build.folders import (
    check_output,
    is_finished,
    model_label,
    plain_label,
    protocol_name,
    unique_labels,
)
from streetclip.build.model import named_backbone, on_disk
from streetclip.build.plan import Combination, Plan, PlannedModel, PlannedProtocol, PlannedSet
from streetclip.build.remote import cache_of
from streetclip.build.sources import open_set, whole
from streetclip.build.subjects import Subjects, resolve
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.config.data import RemoteConfig, ShardsConfig
from streetclip.errors import InputError, ProblemsError
from streetclip.evaluation.clusters import declared_columns
from streetclip.evaluation.feature_cache import FeatureCache, feature_folder
from streetclip.evaluation.registry import NamedSource
from streetclip.model.weights import weights_digest
from streetclip.shards.cache import Cache
from streetclip.shards.remote import is_url
from streetclip.zeroshot.candidates import build_candidates
from streetclip.zeroshot.protocol import load_protocol

T = TypeVar("T")
_Problems = list[InputError]


def make_plan(
    options: BenchmarkConfig,
    *,
    progress: bool = True,
    models: Callable[[Subjects], list[PlannedModel]] | None = None,
    beside: Sequence[str] = (),
    command: str = "benchmark",
) -> Plan:
    """Check and decide everything, and build the shard sets that are missing.

    Args:
        options: What the user gave.
        progress: Show progress bars of what is built.
        models: Makes what is measured of the models that the options name; None takes them as they
            are.
        beside: Files of the same call that may lie in the output folder beside the results.
        command: What the user called; several problems are listed under its name.

    Raises:
        InputError: With every problem of models, sets, protocols, devices and folders.
    """
    problems: _Problems = []
    subjects = resolve(options)
    _attempt(problems, partial(check_devices, options.accelerator, options.devices))
    _attempt(problems, partial(feature_cache, options))
    protocols = _protocols(subjects.protocols, problems)
    _check_sets(subjects.sets, problems)
    if models is None:
        measured = _models(subjects, problems)
    else:
        measured = _attempt(problems, partial(models, subjects)) or []
    plan = Plan(
        str(_new_folder() if options.out is None else options.out),
        tuple(measured),
        tuple(PlannedSet(source.name, source.path) for source in subjects.sets),
        tuple(protocols),
        subjects.max_photos,
        asdict(subjects.remote),
    )
    _check_output(plan, problems, beside)
    _raise(problems, command)
    plan = replace(plan, sets=tuple(_sets(subjects, options, problems, progress=progress)))
    _raise(problems, command)
    finished = _finished(plan, options, problems)
    _raise(problems, command)
    return replace(plan, finished=tuple(finished))


def feature_cache(options: BenchmarkConfig) -> FeatureCache | None:
    """The cache that options describe, or None where they want none.

    Args:
        options: Of the benchmark.

    Raises:
        InputError: Its folder cannot be used.
    """
    wanted = options.features
    if not wanted.cache:
        return None
    folder = feature_folder() if wanted.cache_dir is None else Path(wanted.cache_dir)
    limit = int(wanted.cache_gib * 2**30)
    cache = FeatureCache(folder.expanduser().absolute(), limit_bytes=limit)
    cache.check()
    return cache


def _models(subjects: Subjects, problems: _Problems) -> list[PlannedModel]:
    """Every model is loaded once, and let go again: together they may not fit into memory."""
    _refuse_twice("model", subjects.models, problems)
    cache = cache_of(subjects.remote)
    loaded = [
        found
        for given in dict.fromkeys(subjects.models)
        if (found := _attempt(problems, partial(_model, given, cache))) is not None
    ]
    labels = unique_labels([model.label for model in loaded], [model.digest for model in loaded])
    _refuse_twice("model", labels, problems)
    return [replace(model, label=label) for model, label in zip(loaded, labels, strict=True)]


def _model(given: str, cache: Cache) -> PlannedModel:
    name = on_disk(given, cache)
    return PlannedModel(name, model_label(given), weights_digest(named_backbone(name)))


def _protocols(sources: Sequence[str], problems: _Problems) -> list[PlannedProtocol]:
    _refuse_twice("protocol", sources, problems)
    found = [
        loaded
        for source in dict.fromkeys(sources)
        if (loaded := _attempt(problems, partial(_protocol, source))) is not None
    ]
    labels = unique_labels([item.label for item, _ in found], [digest for _, digest in found])
    _refuse_twice("protocol", labels, problems)
    return [replace(item, label=label) for (item, _), label in zip(found, labels, strict=True)]


def _protocol(source: str) -> tuple[PlannedProtocol, str]:
    """A protocol whose places are all there, and its digest."""
    protocol = load_protocol(source)
    build_candidates(protocol)
    name = protocol_name(source, protocol.name)
    return PlannedProtocol(source, name, plain_label(name)), protocol.digest


def _check_sets(sets: Sequence[NamedSource], problems: _Problems) -> None:
    """That they are there; what is in them shows when they are built or opened."""
    names = [plain_label(source.name) for source in sets]
    _refuse_twice("set", names, problems, remedy="name each: NAME=PATH")
    problems += [
        InputError(
            f"no such source: {source.path}",
            allowed="a shard set or its URL, a folder of photographs, a CSV or a Parquet file, "
            "with or without NAME= before it",
        )
        for source in sets
        if not is_url(source.path) and not Path(source.path).exists()
    ]


def _check_output(plan: Plan, problems: _Problems, beside: Sequence[str]) -> None:
    """What is wrong with a folder's names; whether a result is the right one shows later."""
    out = Path(plan.out)
    folders = [combination.folder for combination in plan.combinations]
    if folders == [out]:
        _attempt(problems, partial(is_finished, out, {}))
    elif not problems:  # The names need all models and protocols.
        _attempt(problems, partial(check_output, out, [*beside, *(each.name for each in folders)]))


def _sets(
    subjects: Subjects, options: BenchmarkConfig, problems: _Problems, *, progress: bool
) -> list[PlannedSet]:
    cache = cache_of(subjects.remote)
    return [
        found
        for source in subjects.sets
        if (found := _attempt(problems, partial(_set, source, options, cache, progress)))
        is not None
    ]


def _set(source: NamedSource, options: BenchmarkConfig, cache: Cache, progress: bool) -> PlannedSet:
    shards = ShardsConfig(
        preset=source.preset or options.preset, columns=declared_columns(options.cluster)
    )
    folder = Path(options.shards_dir)
    place = whole(source.path, shards, folder, progress=progress, cache=cache)
    open_set(place, cache)
    return PlannedSet(source.name, place)


def _finished(plan: Plan, options: BenchmarkConfig, problems: _Problems) -> list[str]:
    return [
        str(combination.folder)
        for combination in plan.combinations
        if _attempt(problems, partial(_is_finished, combination, plan, options))
    ]


def _is_finished(combination: Combination, plan: Plan, options: BenchmarkConfig) -> bool:
    shard_set = open_set(combination.photographs.place, cache_of(RemoteConfig(**plan.remote)))
    photos = len(shard_set)
    expected = {
        "set_name": combination.photographs.name,
        "weights_digest": combination.model.digest,
        "protocol_digest": combination.protocol.load().digest,
        "shard_set_digest": shard_set.digest,
        "photos": photos if plan.max_photos is None else min(photos, plan.max_photos),
        "resamples": options.bootstrap,
        "seed": options.seed,
        "precision": options.precision,
        "cluster": options.cluster,
        "top_k": options.top_k,
    }
    return is_finished(combination.folder, expected)


def _refuse_twice(
    what: str, names: Sequence[str], problems: _Problems, *, remedy: str | None = None
) -> None:
    twice = dict.fromkeys(name for name in names if list(names).count(name) > 1)
    problems += [InputError(f"{what} '{name}' is given twice", remedy=remedy) for name in twice]


def _attempt(problems: _Problems, work: Callable[[], T]) -> T | None:
    try:
        return work()
    except InputError as error:
        problems.append(error)
        return None


def _raise(problems: _Problems, command: str) -> None:
    """One problem as it is, several together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise ProblemsError(f"streetclip {command}", [str(problem) for problem in problems])


def _new_folder() -> Path:
    return Path("results") / datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
