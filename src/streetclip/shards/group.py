"""Members of a tar become samples: which belong together, and which of these can be used."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from streetclip.errors import SampleError, TarError
from streetclip.shards.sample import MAX_METADATA_BYTES
from streetclip.shards.tar import Member

IMAGE_EXTENSIONS = frozenset({"jpg", "jpeg", "png", "webp"})
# More than 80 megapixels of 16 bits and three colors need.
MAX_IMAGE_BYTES = 1 << 29
_MAX_KEY_BYTES = 1_000
_Kind = TypeVar("_Kind", bound=Member)

Refuse = Callable[[str, str, str], None]
"""Takes note of a name in a tar, a reason code, and what exactly was found."""


@dataclass(slots=True)
class Group(Generic[_Kind]):
    """Neighboring members that share the part of their name before the first dot.

    Args:
        key: That part.
        members: By the part after it, in lower case.
    """

    key: str
    members: dict[str, _Kind] = field(default_factory=dict)


def group_members(members: Iterable[_Kind | TarError], refuse: Refuse) -> Iterator[Group[_Kind]]:
    """Samples as webdataset groups them: neighbors with equal names up to the first dot.

    Args:
        members: Of one tar, in order. An error among them is a place that cannot be read: what
            stands around it is no sample.
        refuse: Is told of members that belong to no sample (``no_key``, ``dot_in_key``), of names
            and keys that come a second time (``duplicate_key``), and of what stands before a place
            that cannot be read. The members it is told of are left out.

    Yields:
        One group a key.
    """
    seen: set[str] = set()
    group: Group[_Kind] | None = None
    for member in members:
        if isinstance(member, TarError):
            if group is not None and member.reason == "damaged_tar":
                # Nobody knows where the damage begins: the members before it may be hit too.
                refuse(group.key, member.reason, f"stands before byte {member.offset}")
                group = None
            continue
        named = _key_and_extension(member.name, refuse)
        if named is None:
            continue
        key, extension = named
        if group is None or group.key != key:
            if group is not None:
                yield group
                group = None
            if key in seen:
                refuse(member.name, "duplicate_key", f"the key {key!r} came before")
                continue
            seen.add(key)
            group = Group(key)
        if extension in group.members:
            refuse(member.name, "duplicate_key", f"the member {member.name!r} came before")
        else:
            group.members[extension] = member
    if group is not None:
        yield group


def image_and_metadata(group: Group[_Kind]) -> tuple[_Kind, _Kind]:
    """The two members that make a sample, if the group has them and no doubt about them.

    Args:
        group: From `group_members`.

    Returns:
        The photograph and its JSON.

    Raises:
        SampleError: ``bad_key``, ``no_image``, ``two_images``, ``no_metadata``, ``bad_image_size``
            or ``metadata_too_large``.
    """
    images = [extension for extension in group.members if extension in IMAGE_EXTENSIONS]
    if not group.key.isprintable() or len(group.key.encode()) > _MAX_KEY_BYTES:
        raise SampleError("bad_key", repr(group.key)[:200])
    if not images:
        raise SampleError("no_image", f"only {', '.join(sorted(group.members))}"[:200])
    if len(images) > 1:
        raise SampleError("two_images", ", ".join(images))
    if "json" not in group.members:
        raise SampleError("no_metadata", "no .json beside the image")
    image, metadata = group.members[images[0]], group.members["json"]
    if not 0 < image.size <= MAX_IMAGE_BYTES:
        raise SampleError("bad_image_size", f"{image.size} bytes")
    if metadata.size > MAX_METADATA_BYTES:
        raise SampleError("metadata_too_large", f"{metadata.size} bytes")
    return image, metadata


def is_part_of_a_sample(name: str) -> bool:
    """Whether a member is a photograph or its JSON; anything else is never read.

    Args:
        name: Of the member.

    Returns:
        True for those endings.

    Example:
        >>> [is_part_of_a_sample(name) for name in ("a.JPG", "a.json", "a.pyd", "a.cls.json")]
        [True, True, False, False]
    """
    return name.rpartition("/")[2].partition(".")[2].lower() in IMAGE_EXTENSIONS | {"json"}


def _key_and_extension(name: str, refuse: Refuse) -> tuple[str, str] | None:
    folder, slash, base = name.rpartition("/")
    stem, dot, extension = base.partition(".")
    key, extension = f"{folder}{slash}{stem}", extension.lower()
    if not (stem and dot):
        refuse(name, "no_key", "a name without a dot after its first letter")
        return None
    if "." in extension and extension.rpartition(".")[2] in IMAGE_EXTENSIONS | {"json"}:
        refuse(name, "dot_in_key", f"readers of WebDataset cut the key to {key!r}")
        return None
    return key, extension
