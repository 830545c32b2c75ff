"""A benchmark at work: models one after the other, each on all sets, all protocols on one look."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning.fabric import Fabric

from streetclip.build.loaded import feature_facts, loaded, trained_on
from streetclip.build.plan import Combination, Plan, PlannedModel, PlannedSet
from streetclip.build.remote import cache_of
from streetclip.build.sources import open_set
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.config.data import RemoteConfig
from streetclip.data.photos import PhotoDataset
from streetclip.evaluation.embedded import Embedded
from streetclip.evaluation.embedding import embed, pass_size
from streetclip.evaluation.feature_cache import FeatureCache
from streetclip.evaluation.photographs import passes
from streetclip.evaluation.processes import fabric_processes
from streetclip.evaluation.result import Result, read_result, write_result
from streetclip.evaluation.run import (
    EvaluationOptions,
    Questions,
    ask,
    evaluate,
    photographs_of,
)
from streetclip.evaluation.shelf import PhotoShelf, TextShelf
from streetclip.geo.countries import countries_digest
from streetclip.model.backbone import Backbone
from streetclip.report.page import PAGE_FILE
from streetclip.report.write import write_report
from streetclip.shards.layout import ShardSet
from streetclip.shards.pictures import Pictures
from streetclip.shards.progress import OnProgress
from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import Candidates, build_candidates
from streetclip.zeroshot.protocol import Protocol

_log = logging.getLogger(__name__)


class Session:
    """What the combinations of one call share; every process that takes part has one.

    Args:
        options: Of the benchmark.
        plan: What is measured.
        fabric: Launched: device, precision and processes.
        cache: Where features are kept; None keeps them for this call only.
        on_progress: Called with a stage, how many are done, and how many there are.
        load: Gives a model of the plan.
    """

    def __init__(
        self,
        options: BenchmarkConfig,
        plan: Plan,
        fabric: Fabric,
        cache: FeatureCache | None,
        on_progress: OnProgress,
        load: Callable[[PlannedModel], Backbone] = loaded,
    ) -> None:
        self.load = load
        self.options = options
        self.plan = plan
        self.fabric = fabric
        self.processes = fabric_processes(fabric)
        self.cache = cache
        self.on_progress = on_progress
        self._places: dict[str, Candidates] = {}

    def run(self) -> dict[Path, Result]:
        """Measure what is not finished; every result by its folder."""
        results = {
            item.folder: self._kept(item)
            for item in self.plan.combinations
            if str(item.folder) in self.plan.finished
        }
        for model in self.plan.models:
            todo = [
                item
                for item in self.plan.combinations
                if item.model == model and item.folder not in results
            ]
            if todo:
                results |= self._measured(model, todo)
        return results

    def places(self, protocol: Protocol) -> Candidates:
        """The places of a protocol, chosen once for all models."""
        if protocol.digest not in self._places:
            self._places[protocol.digest] = build_candidates(protocol)
        return self._places[protocol.digest]

    @contextmanager
    def turn(self, name: str | None) -> Iterator[None]:
        """All processes of this command compute what has a name in the cache, and no other does."""
        with ExitStack() as stack:
            if self.cache is not None and name is not None and self.processes.rank == 0:
                stack.enter_context(self.cache.alone(name))
            self.processes.gather(None)
            yield
            self.processes.gather(None)

    def open(self, photographs: PlannedSet) -> ShardSet:
        """The shard set of photographs."""
        return open_set(photographs.place, cache_of(RemoteConfig(**self.plan.remote)))

    def _kept(self, item: Combination) -> Result:
        result = read_result(item.folder)
        _log.info("finished already: %s", item.folder)
        if self.processes.rank == 0 and not (item.folder / PAGE_FILE).exists():
            self._report(result, item)
        return result

    def _measured(self, model: PlannedModel, todo: Sequence[Combination]) -> dict[Path, Result]:
        asker = _Asker(self, model)
        results: dict[Path, Result] = {}
        for photographs in dict.fromkeys(item.photographs for item in todo):
            seen = asker.look_at(photographs)
            for item in todo:
                if item.photographs == photographs:
                    results[item.folder] = seen.result(item.protocol.load())
                    self._write(results[item.folder], item)
        return results

    def _write(self, result: Result, item: Combination) -> None:
        if self.processes.rank == 0:
            write_result(result, item.folder)
            self._report(result, item)

    def _report(self, result: Result, item: Combination) -> None:
        shown = Pictures(self.open(item.photographs)) if self.options.thumbnails else None
        write_report(result, item.folder, thumbnails=shown)


class _Asker:
    """One model, and its answers to protocols."""

    def __init__(self, session: Session, model: PlannedModel) -> None:
        self.session = session
        self.model = model
        self.backbone = session.load(model).to(session.fabric.device).eval()
        self.facts = feature_facts(
            self.backbone,
            model.digest,
            precision=session.options.precision,
            device=session.fabric.device.type,
        )
        self.trained_on = trained_on(model.name)
        self._banks: dict[tuple[Any, ...], TextBank] = {}

    def look_at(self, photographs: PlannedSet) -> "_Look":
        """Embed a set."""
        session, plan = self.session, self.session.plan
        options = EvaluationOptions(
            set_name=photographs.name,
            # Not the name that the user gave: reports are passed on, and folders are private; and
            # not the architecture, which two runs may share.
            model=self.model.label,
            weights_digest=self.model.digest,
            batch_size=session.options.batch_size,
            workers=session.options.workers,
            max_photos=plan.max_photos,
            resamples=session.options.bootstrap,
            seed=session.options.seed,
            precision=session.options.precision,
            cluster=session.options.cluster,
            top_k=session.options.top_k,
        )
        return _Look(self, session.open(photographs), options)

    def questions(self, protocol: Protocol) -> Questions:
        """What a protocol asks; protocols that ask the same words share the features of these."""
        places = self.session.places(protocol)
        asked = (
            places.distinct_prompts,
            places.country_prompts,
            places.region_prompts,
            places.city_prompts,
        )
        if asked not in self._banks:
            self._banks[asked] = self._bank(protocol, places)
        return Questions(places, self._banks[asked])

    def _bank(self, protocol: Protocol, places: Candidates) -> TextBank:
        session, prompts = self.session, places.distinct_prompts
        processes, size = session.processes, session.options.batch_size
        shelf = None if session.cache is None else TextShelf(session.cache, self.facts)
        tally = _Tally(session.on_progress, f"{protocol.name}, {self.model.label}", len(prompts))
        with (
            session.turn(None if shelf is None else shelf.name(prompts)),
            session.fabric.autocast(),
        ):
            # The first asks, and the others find the answers.
            if shelf is not None and processes.rank > 0:
                processes.gather(None)
            asked = ask(
                self.backbone,
                protocol,
                candidates=places,
                batch_size=size,
                between=lambda: tally(size),
                shelf=shelf,
            )
            if shelf is not None and processes.rank == 0:
                processes.gather(None)
        return asked.bank


class _Look:
    """One model's features of one set."""

    def __init__(self, asker: _Asker, shard_set: ShardSet, options: EvaluationOptions) -> None:
        self.asker = asker
        self.shard_set = shard_set
        self.options = options
        self.parts = self._embedded()

    def result(self, protocol: Protocol) -> Result:
        """What the model answers under a protocol."""
        asker = self.asker
        return evaluate(
            asker.backbone,
            self.shard_set,
            protocol,
            options=self.options,
            processes=asker.session.processes,
            seen=asker.trained_on,
            questions=asker.questions(protocol),
            embedded=self.parts,
        )

    def _embedded(self) -> list[Embedded]:
        session, options = self.asker.session, self.options
        processes = session.processes
        photos = photographs_of(self.shard_set, options)
        matching_batch = min(options.matching_batch, photos)
        shelf = self._shelf(photos, matching_batch)
        stage = f"{options.set_name}, {self.asker.model.label}"
        with session.turn(None if shelf is None else shelf.name), session.fabric.autocast():
            parts = embed(
                self.asker.backbone,
                PhotoDataset(self.shard_set, self.asker.backbone.preprocess),
                photos=photos,
                batch_size=options.batch_size,
                matching_batch=matching_batch,
                workers=options.workers,
                processes=processes,
                shelf=shelf,
                on_photos=_Tally(session.on_progress, stage, photos, processes.world),
            )
            processes.gather(None)
            if shelf is not None and processes.rank == 0:
                shelf.bind(passes(photos, pass_size(options.batch_size, matching_batch)))
        return parts

    def _shelf(self, photos: int, matching_batch: int) -> PhotoShelf | None:
        if self.asker.session.cache is None:
            return None
        facts = {
            **self.asker.facts,
            "preprocess": asdict(self.asker.backbone.preprocess),
            "shard_set": self.shard_set.digest,
            "photographs": photos,
            "matching_batch": matching_batch,
            # Captions to match are written with the names of countries.
            "countries": countries_digest(),
        }
        return PhotoShelf(self.asker.session.cache, facts)


class _Tally:
    """Counts what is done of a stage; this process speaks for all."""

    def __init__(self, on_progress: OnProgress, stage: str, total: int, world: int = 1) -> None:
        self._tell = on_progress
        self._stage = stage
        self._total = total
        self._world = world
        self._done = 0

    def __call__(self, count: int) -> None:
        self._done += count * self._world
        self._tell(self._stage, min(self._done, self._total), self._total)
