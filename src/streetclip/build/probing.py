"""A probe set asked of every model of a plan, with the features that are kept."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from streetclip.build.loaded import feature_facts
from streetclip.build.measuring import Session
from streetclip.build.plan import PlannedModel
from streetclip.evaluation.photographs import passes
from streetclip.evaluation.probe import ProbeResult, as_start, measure_probe
from streetclip.evaluation.probe_set import ProbeSet
from streetclip.evaluation.shelf import PhotoShelf, TextShelf
from streetclip.model.backbone import Backbone


def probe_models(session: Session, probe: ProbeSet) -> list[ProbeResult]:
    """What each model of a plan knows of a probe set, on all processes.

    Args:
        session: Of this process.
        probe: From `evaluation.probe_set.checked`.

    Returns:
        A result for each model in the order of the plan; forgotten is what the first one knew.
    """
    results: list[ProbeResult] = []
    for model in session.plan.models:
        found = _probed(session, model, probe, results[0] if results else None)
        results.append(found if results else as_start(found))
    return results


def _probed(
    session: Session, model: PlannedModel, probe: ProbeSet, start: ProbeResult | None
) -> ProbeResult:
    options, processes = session.options, session.processes
    backbone = session.load(model).to(session.fabric.device).eval()
    facts = feature_facts(
        backbone, model.digest, precision=options.precision, device=session.fabric.device.type
    )
    photos, done = len(probe.photos), 0

    def tell(count: int) -> None:
        nonlocal done
        done += count * processes.world
        session.on_progress(f"probe, {model.label}", min(done, photos), photos)

    shelf = _shelf(session, backbone, facts, probe)
    with session.turn(None if shelf is None else shelf.name), session.fabric.autocast():
        result = measure_probe(
            backbone,
            probe,
            batch_size=options.batch_size,
            workers=options.workers,
            processes=processes,
            photo_shelf=shelf,
            text_shelf=None if session.cache is None else TextShelf(session.cache, facts),
            on_photos=tell,
            start=None if start is None else start.ranks,
            resamples=options.bootstrap,
            seed=options.seed,
        )
        if shelf is not None and processes.rank == 0:
            shelf.bind(passes(photos, options.batch_size))
    return result


def _shelf(
    session: Session, backbone: Backbone, facts: Mapping[str, Any], probe: ProbeSet
) -> PhotoShelf | None:
    if session.cache is None:
        return None
    own = {"preprocess": asdict(backbone.preprocess), "probe_set": probe.digest}
    return PhotoShelf(session.cache, {**facts, **own, "photographs": len(probe.photos)})
