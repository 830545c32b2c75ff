"""Where the results of a benchmark lie, and which of them are finished."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from streetclip.build.model import OPEN_CLIP, is_checkpoint
from streetclip.errors import InputError, ResultError
from streetclip.evaluation.result import PREDICTIONS_FILE, RESULTS_FILE, read_result
from streetclip.model.hf_model import PREFIX as HF
from streetclip.shards.output import NEW_FOLDER, check_folder
from streetclip.shards.remote import is_url
from streetclip.zeroshot.document import taken_apart

TABLES_FILES = (
    *("tables.md", "tables.tex"),
    *("comparison.json", "comparison.md", "comparison.html"),
)
_LONGEST = 80
# What `write_result` has written when it is killed.
_BEGUN = {PREDICTIONS_FILE, *(f"{name}.partial" for name in (PREDICTIONS_FILE, RESULTS_FILE))}


def model_label(name: str) -> str:
    """A short name of a model, for tables and folders.

    Args:
        name: As the user gave it.

    Example:
        >>> model_label("runs/quickstart/001/checkpoints/best.ckpt")
        'quickstart-001-best'
        >>> model_label("open_clip:ViT-B-32:weights/laion.safetensors")
        'ViT-B-32-laion'
        >>> model_label("hf:weights/StreetCLIP/")
        'StreetCLIP'
    """
    plain = urlsplit(name).path if is_url(name) else name
    if is_checkpoint(plain):
        path = Path(plain)
        run = path.parts[-4:-2] if path.parent.name == "checkpoints" else ()
        return plain_label("-".join((*run, path.stem)))
    origin = next((origin for origin in (HF, OPEN_CLIP) if plain.startswith(origin)), "")
    parts = plain.removeprefix(origin).split(":", 1)
    return plain_label("-".join(_last_part(part) for part in parts if part))


def protocol_name(source: str, name: str) -> str:
    """What results call a protocol: its name, and what the user has added to it.

    Args:
        source: As the user gave it; behind a name may stand ``+DECODING`` and ``@TABLE``.
        name: Of the protocol.

    Example:
        >>> protocol_name("reproduction+beam@data/worldcities.csv", "reproduction")
        'reproduction+beam@worldcities.csv'
    """
    asked = taken_apart(source)
    decoding = "" if asked.decoding is None else f"+{asked.decoding}"
    table = "" if asked.table is None else f"@{asked.table.name}"
    return f"{name}{decoding}{table}"


def plain_label(text: str) -> str:
    """A text that may be part of a folder's name.

    Args:
        text: Of whatever characters.

    Example:
        >>> plain_label("a/b c--d.")
        'a-b-c-d'
    """
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", text)
    return re.sub(r"-{2,}", "-", words).strip("-.")[:_LONGEST] or "x"


def unique_labels(labels: Sequence[str], digests: Sequence[str]) -> list[str]:
    """Labels of which no two are equal; those that are told apart by their digests.

    Args:
        labels: Of models, or of protocols.
        digests: Of their content.

    Example:
        >>> unique_labels(["best", "last", "best"], ["0123456789", "ab", "fedcba9876"])
        ['best-01234567', 'last', 'best-fedcba98']
    """
    return [
        label if labels.count(label) == 1 else f"{label}-{digest[:8]}"
        for label, digest in zip(labels, digests, strict=True)
    ]


def folder_name(set_name: str, model: str, protocol: str) -> str:
    """The folder of one of several results.

    Args:
        set_name: Of the photographs.
        model: Its label.
        protocol: Its label.

    Example:
        >>> folder_name("im2gps3k", "ViT-B-32", "paper")
        'im2gps3k--ViT-B-32--paper'
    """
    return "--".join((plain_label(set_name), model, protocol))


def check_output(out: Path, names: Iterable[str]) -> None:
    """Refuse an output folder that holds anything that this call would not write there.

    Args:
        out: It need not exist.
        names: Folders of results.

    Raises:
        InputError: It is no folder, or holds something else.
    """
    check_folder(out, "output folder")
    if not out.exists():
        return
    ours = {*names, *TABLES_FILES, *(f"{name}.partial" for name in TABLES_FILES)}
    foreign = sorted(path.name for path in out.iterdir() if path.name not in ours)
    if foreign:
        single = ": it holds a single result, beside which others have no place"
        raise InputError(
            f"output folder {out} is not empty{single if RESULTS_FILE in foreign else ''}",
            got=", ".join(foreign[:5]) + (", ..." if len(foreign) > 5 else ""),
            remedy=NEW_FOLDER,
        )


def is_finished(folder: Path, expected: Mapping[str, object]) -> bool:
    """Whether a folder holds the result that is to be computed.

    Args:
        folder: Of a result; it need not exist.
        expected: Fields of a `Result` and the values that they must have; of a frozen set any.

    Returns:
        False for a new or empty folder, and for what a killed call has begun to write.

    Raises:
        InputError: It holds another result, a damaged one, or something else.
    """
    check_folder(folder, "output folder")
    found = {path.name for path in folder.iterdir()} if folder.exists() else set()
    if RESULTS_FILE not in found:
        if found - _BEGUN:
            raise InputError(f"output folder {folder} is not empty", remedy=NEW_FOLDER)
        return False
    try:
        result = read_result(folder)
    except ResultError as error:
        raise InputError(
            f"output folder {folder} holds a result that cannot be read",
            got=error,
            remedy="delete that folder and give the command again",
        ) from error
    differing = [
        f"{name} is {_short(getattr(result, name))}, not {_short(value)}"
        for name, value in expected.items()
        if getattr(result, name) not in (value if isinstance(value, frozenset) else (value,))
    ]
    if differing:
        raise InputError(
            f"output folder {folder} is not empty: it holds another result",
            got="; ".join(differing),
            remedy=NEW_FOLDER,
        )
    return True


def _last_part(text: str) -> str:
    """Of a path, the name without its ending; other words as they are."""
    path = Path(text)
    return path.stem if path.suffix in _ENDINGS else path.name


_ENDINGS = (".json", ".safetensors", ".pt", ".bin", ".pth")


def _short(value: object) -> str:
    if isinstance(value, frozenset):
        return " or ".join(sorted(repr(item) for item in value))
    text = str(value)
    return text[:16] if len(text) == 64 else text
