"""Which run folder is written to, and which checkpoint it begins with; rank 0 decides."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from streetclip.errors import CheckpointError
from streetclip.shards.cache import Cache
from streetclip.shards.checked import fetch_checked
from streetclip.shards.remote import is_url, shown
from streetclip.training.checkpoint_io import (
    RUN_KEY,
    AtomicCheckpointIO,
    checkpoint_name,
    read_checkpoint,
)
from streetclip.training.run_folder import RunFolder, differences, find_unfinished, plain

_log = logging.getLogger(__name__)

# Rank 0 holds the lock of its run from the decision on; the others only know the path.
_RUNS: dict[Path, RunFolder] = {}

Chosen = dict[str, str | None]
"""`run` and `checkpoint`, in plain text, so that ranks can tell each other."""


def choose_run(
    root: Path,
    name: str,
    *,
    config: Callable[[], str],
    fingerprint: Mapping[str, Any],
    resume: str | None,
    cache: Cache,
) -> Chosen:
    """The folder to write to, and the checkpoint to begin with.

    Args:
        root: The folder of all runs.
        name: Of the experiment.
        config: Gives the resolved options of a new run.
        fingerprint: What must be equal for a run to be continued.
        resume: None begins a new run; `auto` continues the newest unfinished one, or begins a new
            one and says why; else a run folder, a checkpoint of one, or a checkpoint's URL, from
            which a new folder goes on.
        cache: Keeps a checkpoint that is fetched.

    Raises:
        CheckpointError: There is nothing to resume.
        ShardError: A checkpoint cannot be fetched.
    """
    if resume == "auto":
        found = find_unfinished(root, name, fingerprint=fingerprint)
        if found.run is not None and found.checkpoint is not None:
            return _continue(found.run.path, found.checkpoint.path)
        _log.info("no run to resume, a new one begins: %s", found.why())
    elif resume is not None and not is_url(resume):
        return _resume_from(Path(resume), fingerprint)
    fetched = fetch_checked(resume, cache) if resume is not None and is_url(resume) else None
    # Before there is a folder: what was fetched may be anything.
    content = None if fetched is None else _content(fetched, shown(str(resume)), fingerprint)
    run = RunFolder.create(root, name, config=config(), fingerprint=fingerprint)
    _RUNS[run.path] = run
    if content is None:
        _log.info("run: %s", run.path)
        return {"run": str(run.path), "checkpoint": None}
    checkpoint = _take(content, run)
    _log.info("run: %s continues from %s", run.path, shown(str(resume)))
    return {"run": str(run.path), "checkpoint": str(checkpoint)}


def opened(path: Path) -> RunFolder:
    """The folder that was chosen: on rank 0 the one whose lock it holds.

    Args:
        path: From `choose_run`.
    """
    return _RUNS.pop(path, None) or RunFolder(path)


def _resume_from(path: Path, fingerprint: Mapping[str, Any]) -> Chosen:
    if path.is_file():
        folder = path.parent.parent
        if RunFolder(folder).status() is None:
            raise CheckpointError(
                f"{path} is no checkpoint of a run",
                allowed="runs/EXPERIMENT/NNN/checkpoints/NAME.ckpt",
                remedy="weights alone are taken over with model.start_from",
            )
        _refuse_another(folder, (RunFolder(folder).status() or {}).get("fingerprint"), fingerprint)
        return _continue(folder, path)
    newest = RunFolder(path).newest_checkpoint()
    if newest.path is None:
        raise CheckpointError(
            f"nothing to resume in {path}",
            allowed="auto, a run folder runs/EXPERIMENT/NNN with a checkpoint, a checkpoint, or "
            "its URL",
        )
    _refuse_another(path, (RunFolder(path).status() or {}).get("fingerprint"), fingerprint)
    return _continue(path, newest.path)


def _refuse_another(what: object, theirs: Any, ours: Mapping[str, Any]) -> None:
    """A run goes on with its own options: it would not be the same run with others."""
    differing = [] if theirs is None else differences(_of_training(theirs), _of_training(ours))
    if differing:
        raise CheckpointError(
            f"{what} belongs to a run with other options",
            got="; ".join(differing),
            remedy="resume with its own options, or begin a new run with its weights by "
            "model.start_from",
        )


def _of_training(fingerprint: Mapping[str, Any]) -> Any:
    """What nobody looks at later: batches and model are compared themselves, not their options."""
    options = plain(fingerprint).get("options", {})
    options.pop("seed", None)
    options.get("model", {}).pop("name", None)
    data = options.pop("data", {})
    return {**options, "data": {"micro_batch_size": data.get("micro_batch_size")}}


def _continue(folder: Path, checkpoint: Path | None) -> Chosen:
    _RUNS[folder] = RunFolder.reopen(folder)
    _log.info("run: %s continues from %s", folder, checkpoint)
    return {"run": str(folder), "checkpoint": str(checkpoint) if checkpoint else None}


def _content(fetched: Path, url: str, fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    """What a fetched checkpoint holds, if this run can go on from it."""
    content = read_checkpoint(fetched)
    try:
        checkpoint_name(int(content["epoch"]), int(content["global_step"]))
        facts = dict(content.get(RUN_KEY, {}))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{url} is no checkpoint of a run", got=repr(error)) from error
    _refuse_another(url, facts.get("fingerprint"), fingerprint)
    # The lengths of logs in another folder: here they begin with this checkpoint.
    content[RUN_KEY] = {**facts, "logs": {}}
    return content


def _take(content: dict[str, Any], run: RunFolder) -> Path:
    """A copy that belongs to the run, under the name that it would have given it."""
    name = checkpoint_name(int(content["epoch"]), int(content["global_step"]))
    AtomicCheckpointIO().save_checkpoint(content, run.checkpoints / name)
    return run.checkpoints / name
