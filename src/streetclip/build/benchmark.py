"""One benchmark run, from options to a result folder."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from streetclip.build.model import is_checkpoint, named_backbone, on_disk
from streetclip.build.remote import cache_of
from streetclip.build.sources import open_set, whole
from streetclip.config.load import load_experiment
from streetclip.config.schema import BenchmarkConfig, RemoteConfig, ShardsConfig
from streetclip.errors import InputError, ModelError
from streetclip.evaluation.clusters import declared_columns
from streetclip.evaluation.predictions import SeenPlaces
from streetclip.evaluation.registry import NamedSource, parse_data
from streetclip.evaluation.result import Result, write_result
from streetclip.evaluation.run import EvaluationOptions, Questions, ask, evaluate
from streetclip.model.backbone import Backbone
from streetclip.model.weights import weights_digest
from streetclip.report.write import write_report
from streetclip.training.checkpoint_io import RUN_KEY, checkpoints, read_checkpoint
from streetclip.training.run_folder import RunFolder
from streetclip.zeroshot.protocol import load_protocol

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subject:
    """What is measured on what: everything that the user gave, or the newest run filled in."""

    model: str
    data: str
    protocol: str
    set_name: str
    max_photos: int | None
    remote: RemoteConfig
    preset: str | None = None


def benchmark(options: BenchmarkConfig, *, progress: bool = True) -> tuple[Result, Path]:
    """Measure a model and write the result folder.

    Args:
        options: What the user gave; without a model the newest run's last checkpoint is measured,
            without data its validation photographs, without a protocol its own.
        progress: Show progress bars.

    Returns:
        The result and its folder.

    Raises:
        InputError: Something is missing or does not fit.
    """
    subject = resolve(options)
    protocol = load_protocol(subject.protocol)
    out = _out(options)
    cache = cache_of(subject.remote)
    model = on_disk(subject.model, cache)
    backbone = on_device(named_backbone(model), options.accelerator)
    folder = whole(
        subject.data,
        ShardsConfig(
            preset=options.preset or subject.preset, columns=declared_columns(options.cluster)
        ),
        Path(options.shards_dir),
        progress=progress,
        cache=cache,
    )
    precision = torch.bfloat16 if options.precision == "bf16-mixed" else torch.float32
    with torch.autocast(
        device_type(backbone), dtype=torch.bfloat16, enabled=precision == torch.bfloat16
    ):
        result = evaluate(
            backbone,
            open_set(folder, cache),
            protocol,
            options=EvaluationOptions(
                set_name=subject.set_name,
                model=backbone.spec.name,
                weights_digest=weights_digest(backbone),
                batch_size=options.batch_size,
                max_photos=subject.max_photos,
                resamples=options.bootstrap,
                seed=options.seed,
                cluster=options.cluster,
                top_k=options.top_k,
            ),
            seen=_seen(model),
        )
    write_result(result, out)
    write_report(result, out)
    return result, out


def questions_for(model: str, protocol: str) -> tuple[Backbone, Questions]:
    """A model in evaluation mode and the text bank of a protocol, to predict with.

    Args:
        model: One of our checkpoints, its URL, or `MODEL:TAG_OR_PATH` of open_clip.
        protocol: A name or a YAML file.
    """
    chosen = load_protocol(protocol)
    backbone = on_device(named_backbone(model), "auto")
    return backbone, ask(backbone, chosen)


def resolve(options: BenchmarkConfig) -> Subject:
    """Fill in what the user left out from the newest run.

    Raises:
        InputError: There is no run to take it from.
    """
    named = None if options.data is None else parse_data(options.data)
    if options.model is not None and named is not None:
        return Subject(
            options.model,
            named.path,
            options.protocol or "streetclip",
            named.name,
            None,
            options.remote,
            named.preset,
        )
    run = RunFolder(Path(options.run)) if options.run else newest_run(Path(options.runs_dir))
    trained = load_experiment(run.config)
    model = options.model or str(_last_checkpoint(run))
    if named is None and trained.data.val_source is None:
        raise InputError(f"{run.path} has no validation photographs", remedy="give --data")
    _log.info("run: %s", run.path)
    own = named or NamedSource("val", str(trained.data.val_source))
    return Subject(
        model=model,
        data=own.path,
        protocol=options.protocol or trained.evaluation.protocol,
        set_name=own.name,
        preset=own.preset,
        max_photos=trained.evaluation.max_photos if named is None else None,
        # The run has its data in the cache already, unless another one is named.
        remote=trained.data.remote if options.remote == RemoteConfig() else options.remote,
    )


def newest_run(root: Path) -> RunFolder:
    """The run that wrote its newest checkpoint last.

    Raises:
        InputError: No run has a checkpoint.
    """
    runs = [RunFolder(path.parent) for path in root.glob("*/*/config.yaml")]
    written = [
        (checkpoints(run.checkpoints)[0].stat().st_mtime, run)
        for run in runs
        if checkpoints(run.checkpoints)
    ]
    if not written:
        raise InputError(
            f"no run with a checkpoint under {root}",
            remedy="train one with `make pretrain`, or give --model and --data",
        )
    return max(written, key=lambda pair: pair[0])[1]


def _last_checkpoint(run: RunFolder) -> Path:
    newest = run.newest_checkpoint()
    if newest.path is None:
        raise InputError(f"{run.path} has no whole checkpoint")
    return newest.path


def on_device(backbone: Backbone, accelerator: str) -> Backbone:
    """The model in evaluation mode where it shall compute.

    Args:
        backbone: Of `named_backbone`.
        accelerator: `auto`, `cpu` or `gpu`.

    Raises:
        ModelError: There is no such device.
    """
    available = torch.accelerator.is_available()
    if accelerator not in ("auto", "cpu", "gpu"):
        raise ModelError("accelerator", got=accelerator, allowed="auto, cpu, gpu")
    if accelerator == "gpu" and not available:
        raise ModelError("accelerator=gpu, but there is no GPU", remedy="accelerator=cpu")
    device: Any = "cpu"
    if accelerator != "cpu" and available:
        device = torch.accelerator.current_accelerator()
    return backbone.to(device).eval()


def device_type(backbone: Backbone) -> str:
    """`cpu`, `cuda`, ..."""
    return next(backbone.parameters()).device.type


def _seen(model: str) -> SeenPlaces | None:
    """What training has shown to one of our checkpoints."""
    if not is_checkpoint(model):
        return None
    facts = read_checkpoint(Path(model)).get(RUN_KEY, {})
    if facts.get("countries") is None:
        return None
    return SeenPlaces(frozenset(facts["countries"]), frozenset(facts["towns"]))


def _out(options: BenchmarkConfig) -> Path:
    if options.out is not None:
        out = Path(options.out)
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise InputError(
                f"output folder {out} is not empty", remedy="choose a new or empty folder"
            )
        return out
    stamp = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return Path("results") / stamp
