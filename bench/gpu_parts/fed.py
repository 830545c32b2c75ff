"""How long a step waits for photographs that come from shards."""

from pathlib import Path

from loader import write_photographs

from gpu_parts.cases import Case, backbone_of
from gpu_parts.ours import Clock, module_of, trainer_of
from streetclip.captions.template import load_template
from streetclip.data.datamodule import StreetclipDataModule
from streetclip.shards.index import index_shards


def waited(
    case: Case, *, device: str, steps: int, warm_up: int, workers: int, folder: Path
) -> Clock:
    """Train on JPEG photographs of 640 x 480 in tars, decoded by loader processes.

    Args:
        case: How steps are done.
        device: `cpu` or `cuda`.
        steps: That are counted.
        warm_up: Steps before them.
        workers: Loader processes.
        folder: Where the tars are written.

    Returns:
        Seconds in all, and those in which no batch was there.
    """
    photos = min((steps + warm_up) * case.rows, 2_000)
    (folder / "shards").mkdir()
    write_photographs(folder / "shards", max(photos, case.rows))
    backbone = backbone_of(case)
    data = StreetclipDataModule(
        index_shards(folder / "shards"),
        preprocess=backbone.preprocess,
        tokenize=backbone.tokenize,
        template=load_template("street"),
        batch_size=case.rows,
        lanes=1,
        workers=workers,
    )
    clock, total = Clock(device, warm_up), steps + warm_up
    trainer = trainer_of(device, folder, clock, max_steps=total, log_every_n_steps=total + 1)
    trainer.fit(module_of(case, steps=total), data)
    return clock
