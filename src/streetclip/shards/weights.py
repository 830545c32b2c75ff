"""Whether a file of weights is whole, told without reading a tensor or running what it holds."""

import struct
import zipfile
import zlib
from pathlib import Path

from streetclip.errors import ShardError

_ZIP = b"PK\x03\x04"
# What zipfile raises on files that are damaged, encrypted, or made to mislead it.
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)


def check_weights(path: Path) -> None:
    """Refuses what is no whole checkpoint: an archive with a wrong CRC, a cut safetensors file.

    Args:
        path: Of the file; its name does not matter.

    Raises:
        ShardError: It is neither, or not whole.
    """
    with path.open("rb") as file:
        head = file.read(len(_ZIP))
    reason = zip_damage(path) if head == _ZIP else _safetensors_damage(path)
    if reason is not None:
        raise ShardError(
            f"{path} is no whole checkpoint",
            got=reason,
            allowed="a zip archive as torch.save writes it, or a safetensors file",
        )


def zip_damage(path: Path) -> str | None:
    """Why a checkpoint of torch is not whole.

    Args:
        path: Of a file.

    Returns:
        The reason, or None if every member's CRC is right.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            bad = archive.testzip()
            is_checkpoint = any(name.endswith("data.pkl") for name in archive.namelist())
    except _UNREADABLE as error:
        return f"not a whole zip archive: {error}"
    if bad is not None:
        return f"wrong CRC in {bad}"
    return None if is_checkpoint else "a zip archive without a checkpoint of torch in it"


def _safetensors_damage(path: Path) -> str | None:
    from safetensors import SafetensorError, safe_open  # only who fetches weights needs it

    try:
        # It compares the length of the file with what the header says.
        with safe_open(path, framework="numpy"):
            return None
    except (SafetensorError, OSError, ValueError) as error:
        with path.open("rb") as file:
            begins = file.read(40)
        return f"neither a zip archive nor a safetensors file ({error}); it begins with {begins!r}"
