"""By which libraries the photographs of a shard set were made: part of the set's digest."""

from collections.abc import Mapping
from importlib.metadata import version

CODEC: Mapping[str, str] = {
    "decoder": "libjpeg-turbo, full size (torchvision, Pillow)",
    "resizer": "torch bicubic, antialiased, 8 bits",
    "encoder": "Pillow JPEG",
}
"""What decides the pixels; whoever changes how they are made changes a name here, so that the new
pixels are another shard set, in another folder. Versions stay out of it: a set is not another one
because somebody with a newer Pillow built the same bytes."""

CODEC_OPTION = "codec"
"""Where the options of a shard set hold it."""


def codec_versions() -> dict[str, str]:
    """The libraries that make pixels, with their versions; none is imported."""
    return {name: version(name) for name in ("pillow", "torch", "torchvision")}


def codec_line(options: Mapping[str, object]) -> str:
    r"""The line of a shard set's digest that names its codec.

    Args:
        options: Of the shard set.

    Returns:
        A line, or nothing of a set that does not say by what it was made, as older ones.

    Example:
        >>> codec_line({"codec": {"resizer": "torch", "encoder": "Pillow"}})
        'encoder=Pillow; resizer=torch\n'
        >>> codec_line({})
        ''
    """
    codec = options.get(CODEC_OPTION)
    if not isinstance(codec, Mapping):
        return ""
    return "; ".join(f"{role}={name}" for role, name in sorted(codec.items())) + "\n"
