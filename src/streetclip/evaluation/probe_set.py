"""Photographs with general labels, of which a model should not forget what they show.

A folder of subfolders that are named by what their photographs show, or a table `image,label`.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import torch
from torch.utils.data import Dataset

from streetclip.data.decode import center_crop, decode_image
from streetclip.data.photos import Photo
from streetclip.errors import ProbeError, SampleError
from streetclip.manifest.folder import PHOTO_SUFFIXES, find_photographs
from streetclip.manifest.table import TABLE_SUFFIXES, read_header, read_rows
from streetclip.records import Preprocess

TEMPLATES = ("a photo of a {label}.",)
"""Source: the prompt of Radford et al., Learning Transferable Visual Models From Natural Language
Supervision, 2021 (arXiv 2103.00020), section 3.1.4."""
LABEL = "{label}"
COLUMNS = ("image", "label")
_FORMS = (
    "a folder of two or more subfolders, each named by what its photographs show, "
    "or a CSV or Parquet file with the columns image and label"
)
# Of a long list of photographs, so many are named.
_NAMED = 20


class ProbePhoto(NamedTuple):
    """A photograph and what it shows.

    Args:
        name: Of the file, below the source's folder.
        label: Number of the label.
    """

    name: str
    label: int


@dataclass(frozen=True)
class ProbeSet:
    """Photographs, their labels, and how a model is asked for a label.

    Args:
        folder: What the photographs' names are relative to.
        photos: In the order of the folder or table.
        labels: Each once, in the order of the alphabet.
        templates: Prompts with `{label}`; their features are averaged.
        digest: Of photographs and labels, from `checked`; empty before.
    """

    folder: Path
    photos: tuple[ProbePhoto, ...]
    labels: tuple[str, ...]
    templates: tuple[str, ...] = TEMPLATES
    digest: str = ""

    @property
    def prompts(self) -> list[tuple[str, ...]]:
        """For each label the prompts that ask for it.

        Example:
            >>> ProbeSet(Path(), (), ("cat", "dog"), ("a {label}.", "{label}")).prompts
            [('a cat.', 'cat'), ('a dog.', 'dog')]
        """
        return [
            tuple(template.replace(LABEL, label) for template in self.templates)
            for label in self.labels
        ]

    def read(self, number: int) -> bytes:
        """The bytes of a photograph.

        Args:
            number: From 0.

        Raises:
            SampleError: ``unreadable_image``: the file cannot be read.
        """
        try:
            return (self.folder / self.photos[number].name).read_bytes()
        except OSError as error:
            raise SampleError("unreadable_image", error.strerror or str(error)) from error


def find_probe(source: Path, templates: Sequence[str] = TEMPLATES) -> ProbeSet:
    """List a probe set; no photograph is opened.

    Args:
        source: A folder whose subfolders are named by what their photographs show (underscores
            become spaces), or a CSV or Parquet file with the columns `image` (a path, relative to
            the table) and `label` (taken as it stands).
        templates: Prompts, each with `{label}` in it.

    Returns:
        The set, without a digest.

    Raises:
        ProbeError: It is missing, empty, has one label only, or a prompt names no label.
        ManifestError: A table cannot be read.
    """
    _check_templates(templates)
    if source.is_dir():
        folder, named = source, list(_of_folder(source))
    elif source.is_file() and source.suffix.lower() in TABLE_SUFFIXES:
        folder, named = source.parent, _of_table(source)
    else:
        what = "is no folder and no table" if source.exists() else "is not there"
        raise ProbeError(f"probe set {source} {what}", allowed=_FORMS)
    labels = sorted({label for _, label in named})
    if len(labels) < 2:
        got = f"photographs of '{labels[0]}' only" if labels else "no photograph"
        raise ProbeError(f"probe set {source} has nothing to tell apart", got=got, allowed=_FORMS)
    number = {label: place for place, label in enumerate(labels)}
    photos = tuple(ProbePhoto(name, number[label]) for name, label in named)
    return ProbeSet(folder.absolute(), photos, tuple(labels), tuple(templates))


def checked(probe: ProbeSet) -> ProbeSet:
    """Decode every photograph once, so that a damaged one is known before any work.

    Args:
        probe: From `find_probe`.

    Returns:
        The set with its digest, which does not depend on where it lies.

    Raises:
        ProbeError: Photographs cannot be read; they are named.
    """
    digest, bad = hashlib.sha256(), list[str]()
    for number, photo in enumerate(probe.photos):
        try:
            raw = probe.read(number)
            decode_image(raw)
        except SampleError as error:
            bad.append(f"{photo.name} ({error})")
            continue
        facts = [photo.name, probe.labels[photo.label], hashlib.sha256(raw).hexdigest()]
        digest.update(json.dumps(facts).encode())
    if bad:
        more = f", and {len(bad) - _NAMED} more" if len(bad) > _NAMED else ""
        raise ProbeError(
            f"probe set {probe.folder}: photographs cannot be read",
            got=f"{len(bad)} of {len(probe.photos)}: {', '.join(bad[:_NAMED])}{more}",
            remedy="mend them, or take them out",
        )
    return replace(probe, digest=digest.hexdigest())


def _check_templates(templates: Sequence[str]) -> None:
    if not templates:
        raise ProbeError("a probe set needs a prompt", allowed=f"such as '{TEMPLATES[0]}'")
    wrong = [text for text in templates if re.findall(r"\{[^}]*\}?", text) != [LABEL]]
    if wrong:
        raise ProbeError(
            "a prompt of a probe set must name the label once, and nothing else",
            got=", ".join(repr(text) for text in wrong),
            allowed=f"such as '{TEMPLATES[0]}'",
        )


def _of_folder(source: Path) -> Iterator[tuple[str, str]]:
    """Names and labels; a photograph that lies in no subfolder has no label."""
    loose = list[str]()
    for path in find_photographs(source):
        name = path.relative_to(source)
        if len(name.parts) == 1:
            loose.append(name.name)
        else:
            yield name.as_posix(), _label_of(name.parts[0])
    if loose:
        raise ProbeError(
            f"probe set {source} has photographs without a label",
            got=f"{len(loose)} beside the subfolders, the first: {loose[0]}",
            allowed=_FORMS,
        )


def _label_of(folder: str) -> str:
    return folder.replace("_", " ").strip() or folder


def _of_table(source: Path) -> list[tuple[str, str]]:
    header = read_header(source)
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise ProbeError(
            f"probe set {source} has no column {' and no '.join(missing)}",
            got=", ".join(header),
            allowed=_FORMS,
        )
    named, problems = list[tuple[str, str]](), list[str]()
    for row in read_rows(source, COLUMNS):
        image, label = ("" if cell is None else str(cell).strip() for cell in row.cells or ("", ""))
        if not image or not label:
            problems.append(f"{row.label} has no image or no label")
        elif Path(image).suffix.lower() not in PHOTO_SUFFIXES:
            problems.append(f"{row.label}: '{image}' is not named like a photograph")
        elif not (source.parent / image).is_file():
            problems.append(f"{row.label}: no such file: {image}")
        else:
            named.append((image, label))
    if problems:
        more = f"; and {len(problems) - _NAMED} more" if len(problems) > _NAMED else ""
        raise ProbeError(
            f"probe set {source} cannot be used", got="; ".join(problems[:_NAMED]) + more
        )
    return named


class ProbeDataset(Dataset[Photo]):
    """The photographs of a probe set in its order, resized and cut to the middle.

    Args:
        probe: From `checked`.
        preprocess: Height and width that the model expects.
    """

    def __init__(self, probe: ProbeSet, preprocess: Preprocess) -> None:
        self.probe = probe
        self.preprocess = preprocess
        self.location = str(probe.folder)

    def __len__(self) -> int:
        return len(self.probe.photos)

    def __getitem__(self, index: int) -> Photo:
        """One photograph.

        Args:
            index: From 0 to `len` - 1.

        Returns:
            Image and name; a photograph that has become unreadable comes with its reason.
        """
        height, width = self.preprocess.height, self.preprocess.width
        photo = Photo(
            image=torch.zeros(3, height, width, dtype=torch.uint8),
            index=index,
            key=self.probe.photos[index].name,
            metadata={},
        )
        try:
            pixels = decode_image(self.probe.read(index))
            photo["image"] = center_crop(pixels, height=height, width=width)
        except SampleError as error:
            photo["error"] = f"{error}; it had another checksum when the probe set was checked"
        return photo
