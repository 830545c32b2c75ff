"""A model as a folder that other libraries read, with a card; whole or not at all."""

import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from streetclip.build.model import is_checkpoint, named_backbone, on_disk
from streetclip.build.provenance import interpolation_of, start_of, training_of
from streetclip.errors import InputError, ModelError, ProblemsError, ResultError
from streetclip.evaluation.result import Result, read_result
from streetclip.model.backbone import Backbone, complete_config
from streetclip.model.hf_model import load_hf, write_hf
from streetclip.model.open_clip_folder import load_open_clip, write_open_clip
from streetclip.model.weights import weights_digest
from streetclip.report.card import model_card
from streetclip.report.card_facts import Card
from streetclip.shards.layout import sync_folder, write_whole
from streetclip.shards.output import check_new_folder

CARD_FILE = "README.md"
LIBRARIES: Mapping[str, str] = {"hf": "transformers", "open_clip": "open_clip"}
"""Forms of a folder, and the libraries that read them."""


@dataclass(frozen=True)
class ExportOptions:
    """What to export, and as what.

    Args:
        model: One of our checkpoints, or any other model as `named_backbone` takes it.
        to: A key of `LIBRARIES`.
        out: A new or empty folder.
        results: Result folders of benchmarks of these weights, for the card.
    """

    model: str
    to: str
    out: Path
    results: Sequence[Path] = field(default_factory=tuple)


def export(options: ExportOptions) -> Path:
    """Write a model and its card, and read it back before the folder gets its name.

    The weights are those that the checkpoint exports: the averages, where a run kept them.

    Args:
        options: What to export.

    Returns:
        The folder.

    Raises:
        InputError: The model cannot be loaded or not be said in the other library's words, a result
            is of other weights, or the folder is not empty.
    """
    if options.to not in LIBRARIES:
        raise InputError("--to", got=options.to, allowed=", ".join(LIBRARIES))
    check_new_folder(options.out)
    name = on_disk(options.model)
    backbone = named_backbone(name).eval()
    digest = weights_digest(backbone)
    results = _results(options.results, digest)
    card = model_card(_card(options, name, backbone, digest), results)
    with _appearing(options.out) as folder:
        _WRITERS[options.to](backbone, folder)
        write_whole(folder / CARD_FILE, card.encode())
        _check_alike(_READERS[options.to](folder), backbone)
    return options.out


_WRITERS: Mapping[str, Callable[[Backbone, Path], None]] = {
    "hf": write_hf,
    "open_clip": write_open_clip,
}
_READERS: Mapping[str, Callable[[Path], Backbone]] = {
    "hf": load_hf,
    "open_clip": load_open_clip,
}


def _check_alike(again: Backbone, backbone: Backbone) -> None:
    """Refuses an export that would compute something else than the model."""
    ours, theirs = weights_digest(backbone), weights_digest(again)
    if theirs != ours:
        raise ModelError(
            "the exported weights are not those of the model", got=theirs, allowed=ours
        )
    if (again.preprocess, again.spec.quick_gelu) != (backbone.preprocess, backbone.spec.quick_gelu):
        raise ModelError(
            "the exported preprocessing or activation is not that of the model",
            got=f"{again.preprocess}, {again.spec.quick_gelu}",
            allowed=f"{backbone.preprocess}, {backbone.spec.quick_gelu}",
        )


def _results(folders: Sequence[Path], digest: str) -> list[Result]:
    """The results, all of which must be of these weights."""
    results, problems = [], list[str]()
    for folder in folders:
        try:
            result = read_result(folder)
        except ResultError as error:
            problems.append(str(error))
            continue
        results.append(result)
        if result.weights_digest != digest:
            problems.append(
                f"{folder} is of other weights: {result.weights_digest[:16]}, not {digest[:16]}"
            )
    if problems:
        raise ProblemsError("the list of --result", problems)
    return results


def _card(options: ExportOptions, name: str, backbone: Backbone, digest: str) -> Card:
    training = training_of(Path(name)) if is_checkpoint(name) else None
    start = start_of(training, name)
    return Card(
        name=options.out.absolute().name,
        reader=LIBRARIES[options.to],
        weights_digest=digest,
        towers=_towers(backbone),
        start=start.what,
        licence=start.licence,
        licence_source=start.source,
        training=training,
        interpolated=interpolation_of(Path(name)) if is_checkpoint(name) else "",
    )


def _towers(backbone: Backbone) -> dict[str, str]:
    complete, numbers = complete_config(backbone.spec), backbone.preprocess
    vision, text = complete["vision_cfg"], complete["text_cfg"]
    kind = vision["timm_model_name"]
    plain = f"{vision['layers']} layers, width {vision['width']}, patches {vision['patch_size']}"
    return {
        "image tower": f"{kind} of timm" if kind else plain,
        "text tower": f"{text['layers']} layers, width {text['width']}",
        "features": f"{complete['embed_dim']}",
        "activation": "QuickGELU" if complete["quick_gelu"] else "GELU",
        "images": f"{numbers.height} x {numbers.width} pixels, shorter side resized, middle cut",
        "mean, standard deviation": f"{list(numbers.mean)}, {list(numbers.std)}",
        "longest caption": f"{text['context_length']} tokens of CLIP's byte-pair vocabulary",
        "parameters": f"{sum(parameter.numel() for parameter in backbone.parameters()):,}",
    }


@contextmanager
def _appearing(out: Path) -> Iterator[Path]:
    """A folder beside `out` that takes its place when all is written, and vanishes on an error."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".partial", dir=out.parent))
    try:
        yield partial
        _settle(partial)
        # Over an empty folder this is one step; over one that has been filled meanwhile it fails.
        partial.replace(out)
        sync_folder(out.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _settle(folder: Path) -> None:
    """Bring all files to the disk, and give them the rights that a new file of the user has.

    Temporary folders, and safetensors for its files, grant none to others.
    """
    rights = stat.S_IMODE((folder / CARD_FILE).stat().st_mode)
    for path in folder.iterdir():
        path.chmod(rights)
        with path.open("rb") as file:
            os.fsync(file.fileno())
    # Who may read the files may enter the folder.
    folder.chmod(rights | 0o100 | (rights & 0o444) >> 2)
    sync_folder(folder)
