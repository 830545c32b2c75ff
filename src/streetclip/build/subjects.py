"""What a benchmark measures on what: everything that the user gave, or a run filled in."""

import logging
from dataclasses import dataclass
from pathlib import Path

from streetclip.config.benchmark import BenchmarkConfig
from streetclip.config.data import RemoteConfig
from streetclip.config.load import load_experiment
from streetclip.errors import InputError
from streetclip.evaluation.registry import NamedSource, parse_data
from streetclip.training.checkpoint_io import checkpoints
from streetclip.training.run_folder import RunFolder

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Subjects:
    """Models, sets and protocols; each is measured with each.

    Args:
        models: As `named_backbone` takes them.
        sets: Photographs.
        protocols: Names or paths.
        max_photos: Only the first so many photographs of each set; None takes all.
        remote: How URLs are fetched.
    """

    models: tuple[str, ...]
    sets: tuple[NamedSource, ...]
    protocols: tuple[str, ...]
    max_photos: int | None
    remote: RemoteConfig


def resolve(options: BenchmarkConfig) -> Subjects:
    """Fill in what the user left out from the run that the options name, or the newest.

    Args:
        options: What the user gave.

    Raises:
        InputError: There is no run to take it from.
    """
    sets = tuple(parse_data(text) for text in options.data)
    protocols = tuple(options.protocols)
    if options.models and sets:
        return Subjects(
            tuple(options.models), sets, protocols or ("streetclip",), None, options.remote
        )
    run = RunFolder(Path(options.run)) if options.run else newest_run(Path(options.runs_dir))
    trained = load_experiment(run.config)
    models = tuple(options.models) or (str(_last_checkpoint(run)),)
    own = trained.data.val_source
    if not sets and own is None:
        raise InputError(f"{run.path} has no validation photographs", remedy="give --data")
    _log.info("run: %s", run.path)
    return Subjects(
        models=models,
        sets=sets or (NamedSource("val", str(own)),),
        protocols=protocols or (trained.evaluation.protocol,),
        max_photos=None if sets else trained.evaluation.max_photos,
        # The run has its data in the cache already, unless another one is named.
        remote=trained.data.remote if options.remote == RemoteConfig() else options.remote,
    )


def newest_run(root: Path) -> RunFolder:
    """The run that wrote its newest checkpoint last.

    Args:
        root: Where runs are.

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
