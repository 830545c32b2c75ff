"""The curve of weights from a start model to a tuned one: planned, measured, written, kept."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from rich.console import Console

from streetclip.build.benchmark import measured
from streetclip.build.devices import launched
from streetclip.build.folders import model_label, protocol_name
from streetclip.build.line import Line, alpha_label
from streetclip.build.measuring import Session
from streetclip.build.model import on_disk
from streetclip.build.plan import Plan, PlannedModel
from streetclip.build.probing import probe_models
from streetclip.build.readiness import feature_cache, make_plan
from streetclip.build.remote import cache_of
from streetclip.build.subjects import Subjects
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.errors import InputError
from streetclip.evaluation.probe_set import TEMPLATES, ProbeSet, checked, find_probe
from streetclip.evaluation.result import Result, current_versions
from streetclip.report.curve import (
    CurvePoint,
    Measure,
    best_point,
    curve_content,
    curve_csv,
    find_measure,
)
from streetclip.report.curve_figure import save_curve
from streetclip.shards.layout import write_whole
from streetclip.shards.progress import progress_bars
from streetclip.training.durable import part_of
from streetclip.training.launch import decide
from streetclip.zeroshot.protocol import load_protocol

ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
CURVE_FILE, FIGURE_FILE, CONTENT_FILE = "curve.csv", "curve.png", "interpolation.json"


@dataclass(frozen=True)
class InterpolateOptions:
    """Two models, and what is measured between them.

    Args:
        start: A model, as `named_backbone` takes it.
        tuned: What training made of it.
        benchmark: Sets, protocols, output folder and all else; its models are not looked at.
        alphas: Places on the line; the ends 0 and 1 are always measured.
        probe: A probe set, see `find_probe`; None measures geolocation only.
        templates: Prompts of the probe set.
        save: An alpha whose model is kept.
        save_best_by: The name of a number, see `find_measure`; the model with the best one is kept.
        at_most_forgotten: Then only of those that have forgotten no more than this share of the
            probe set.
    """

    start: str
    tuned: str
    benchmark: BenchmarkConfig
    alphas: tuple[float, ...] = ALPHAS
    probe: Path | None = None
    templates: tuple[str, ...] = TEMPLATES
    save: float | None = None
    save_best_by: str | None = None
    at_most_forgotten: float | None = None


@dataclass(frozen=True)
class Interpolation:
    """What came out.

    Args:
        out: The output folder.
        points: In the order of their alpha.
        saved: The model that was kept, or None.
    """

    out: Path
    points: tuple[CurvePoint, ...]
    saved: Path | None = None


def interpolate(options: InterpolateOptions, *, progress: bool = True) -> Interpolation:
    """Measure models on the line between two, on every process that takes part.

    Results, their comparison with the start, `curve.csv`, `curve.png` and `interpolation.json`
    appear in the output folder. Results that an earlier call has finished are read, and features
    that it has kept are not computed again.

    Args:
        options: What the user gave.
        progress: Show progress bars.

    Returns:
        The curve.

    Raises:
        InputError: Something is missing or does not fit; nothing has been measured then.
    """
    # Rank 0 has listed the probe set when it decides; the others list it for themselves, because
    # what is decided must be short.
    find = cache(partial(_find, options))
    decided = decide("interpolate", lambda: _decided(options, find, progress=progress))
    plan = Plan.from_plain(decided["plan"])
    probe = find()
    if probe is not None:
        probe = replace(probe, digest=decided["probe"])
    line = Line(plan.models[0].name, plan.models[-1].name)
    fabric = launched(options.benchmark)
    is_first = fabric.global_rank == 0
    show = progress and is_first and Console(stderr=True).is_terminal
    with progress_bars(show=show) as on_progress:
        features = feature_cache(options.benchmark)
        session = Session(options.benchmark, plan, fabric, features, on_progress, line.load)
        # The probe set comes first: it is small, and what is wrong with it shows early.
        probed = None if probe is None else probe_models(session, probe)
        results = [result for _, result in measured(session).results]
    points = tuple(
        CurvePoint(
            line.alpha(model),
            model.digest,
            tuple(result for result in results if _is_of(result, model)),
            None if probed is None else probed[number],
        )
        for number, model in enumerate(plan.models)
    )
    saved = _write(options, plan, line, points) if is_first else None
    return Interpolation(Path(plan.out), points, saved)


def _decided(
    options: InterpolateOptions, find: Callable[[], ProbeSet | None], *, progress: bool
) -> dict[str, Any]:
    """The plan, and the digest of the probe set, before anything is measured."""
    probe = find()
    alphas = _alphas(options)
    kept = [Path(f"{alpha_label(alpha)}.ckpt") for alpha in alphas]
    files = [CURVE_FILE, FIGURE_FILE, CONTENT_FILE, *(path.name for path in kept)]
    unfinished = [f"{name}.partial" for name in files] + [part_of(path).name for path in kept]

    def models(subjects: Subjects) -> list[PlannedModel]:
        if options.save_best_by is not None:
            _measure(options, subjects.sets, _protocol_names(subjects.protocols))
        kept_files = cache_of(subjects.remote)
        line = Line(on_disk(options.start, kept_files), on_disk(options.tuned, kept_files))
        line.check((options.start, options.tuned))
        return [line.planned(alpha) for alpha in alphas]

    if probe is not None:
        probe = checked(probe)
    wanted = replace(options.benchmark, models=[options.start, options.tuned])
    plan = make_plan(
        wanted,
        progress=progress,
        models=models,
        beside=[*files, *unfinished],
        command="interpolate",
    )
    return {"plan": asdict(plan), "probe": "" if probe is None else probe.digest}


def _alphas(options: InterpolateOptions) -> list[float]:
    """The places that are measured, each once, with both ends."""
    given = [*options.alphas, *([] if options.save is None else [options.save])]
    wrong = [alpha for alpha in given if not 0 <= alpha <= 1]
    if wrong:
        raise InputError(
            "an alpha lies beyond both models",
            got=", ".join(f"{alpha:g}" for alpha in wrong),
            allowed="0 (the start) to 1 (the tuned model)",
        )
    # Six digits, because that is what their labels have.
    return sorted({0.0, 1.0, *(float(f"{alpha:.6g}") for alpha in given)})


def _find(options: InterpolateOptions) -> ProbeSet | None:
    """The probe set, and whether the options that need one have one."""
    if options.save is not None and options.save_best_by is not None:
        raise InputError("--save and --save-best-by are both given", remedy="give one of them")
    limit = options.at_most_forgotten
    if limit is not None and options.save_best_by is None:
        raise InputError("--at-most-forgotten needs --save-best-by")
    if limit is not None and not 0 <= limit <= 1:
        raise InputError("--at-most-forgotten", got=limit, allowed="0 to 1, a share")
    if options.probe is None:
        if limit is not None or options.templates != TEMPLATES:
            name = "--at-most-forgotten" if limit is not None else "--template"
            raise InputError(f"{name} needs --probe")
        return None
    return find_probe(options.probe, options.templates)


def _protocol_names(sources: Sequence[str]) -> list[str]:
    return [protocol_name(source, load_protocol(source).name) for source in sources]


def _measure(options: InterpolateOptions, sets: Sequence[Any], protocols: Sequence[str]) -> Measure:
    return find_measure(
        str(options.save_best_by),
        sets=[each.name for each in sets],
        protocols=protocols,
        probe=options.probe is not None,
    )


def _is_of(result: Result, model: PlannedModel) -> bool:
    return (result.model, result.weights_digest) == (model.label, model.digest)


def _write(
    options: InterpolateOptions, plan: Plan, line: Line, points: Sequence[CurvePoint]
) -> Path | None:
    """Everything of the curve; the file that tells all of it comes last."""
    out = Path(plan.out)
    chosen, by = _chosen(options, plan, points)
    saved = None if chosen is None else out / f"{alpha_label(chosen.alpha)}.ckpt"
    if chosen is not None and saved is not None:
        line.save(plan.models[points.index(chosen)], saved)
    write_whole(out / CURVE_FILE, curve_csv(points).encode())
    save_curve(points, out / FIGURE_FILE)
    content = {
        "version": 1,
        "start": model_label(options.start),
        "tuned": model_label(options.tuned),
        "points": curve_content(points),
        "resamples": options.benchmark.bootstrap,
        "seed": options.benchmark.seed,
        "precision": options.benchmark.precision,
        "saved": None
        if chosen is None or saved is None
        else {
            "file": saved.name,
            "alpha": chosen.alpha,
            "weights_digest": chosen.digest,
            "best_by": by,
            "at_most_forgotten": options.at_most_forgotten,
        },
        "versions": dict(current_versions()),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write_whole(out / CONTENT_FILE, text.encode())
    return saved


def _chosen(
    options: InterpolateOptions, plan: Plan, points: Sequence[CurvePoint]
) -> tuple[CurvePoint | None, str | None]:
    """The point whose model is kept, and the number that it is the best by."""
    if options.save is not None:
        alpha = float(f"{options.save:.6g}")
        return next(point for point in points if point.alpha == alpha), None
    if options.save_best_by is None:
        return None, None
    measure = _measure(options, plan.sets, [item.load().name for item in plan.protocols])
    best = best_point(points, measure, at_most_forgotten=options.at_most_forgotten)
    return best, measure.text
