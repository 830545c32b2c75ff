"""Files that run code where somebody unpickles them; what they run makes a folder, the marker."""

import io
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.tinyshards import tiny_sample


@dataclass(frozen=True)
class Payload:
    """Makes the marker when it is unpickled.

    Args:
        marker: A folder that does not exist.
    """

    marker: Path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def plain_pickle(path: Path, marker: Path) -> None:
    """A checkpoint that is nothing but a pickle."""
    content = {"state_dict": {}, "more": Payload(marker)}
    # The protocol that torch writes itself; of others its reader warns before it refuses.
    path.write_bytes(pickle.dumps(content, protocol=2))


def torch_archive(path: Path, marker: Path) -> None:
    """A checkpoint as torch writes it, a zip archive whose checksums are right."""
    torch.save({"state_dict": {"weight": torch.zeros(2)}, "more": Payload(marker)}, path)


def old_torch_file(path: Path, marker: Path) -> None:
    """A checkpoint in the form that torch wrote before it wrote archives."""
    content = {"state_dict": {"weight": torch.zeros(2)}, "more": Payload(marker)}
    torch.save(content, path, _use_new_zipfile_serialization=False)


def type_error_archive(path: Path, marker: Path) -> None:
    """A torch archive at which the protected reader stumbles with a TypeError.

    Whoever takes that for a reader that knows no protection, and reads again without, runs it.
    """
    name = str(marker).encode()
    # An OrderedDict whose state is None: pickle does nothing, torch's reader iterates over it.
    program = b"\x80\x02ccollections\nOrderedDict\n)RNb0"
    program += b"cposix\nmkdir\nX" + len(name).to_bytes(4, "little") + name + b"\x85R."
    with_program(path, program)


def with_program(path: Path, program: bytes) -> None:
    """Write a torch archive that holds a certain pickle, with right checksums.

    Args:
        path: Of the archive.
        program: The pickle.
    """
    whole = io.BytesIO()
    torch.save({}, whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as archive:
        for name in source.namelist():
            archive.writestr(name, program if name.endswith("/data.pkl") else source.read(name))


CHECKPOINTS: Mapping[str, Callable[[Path, Path], None]] = {
    "plain_pickle": plain_pickle,
    "torch_archive": torch_archive,
    "old_torch_file": old_torch_file,
    "type_error_archive": type_error_archive,
}
MEMBERS = ("pyd", "pkl", "pickle", "pth", "pt", "npy")
"""Endings of members that a reader of tars may unpickle."""


def write_hostile_tar(path: Path, marker: Path, *, samples: int) -> None:
    """A tar of good samples, each with further members that run code if they are unpickled.

    Args:
        path: The tar.
        marker: What the members make.
        samples: How many.
    """
    rng = np.random.default_rng(5)
    array = io.BytesIO()
    np.save(array, np.array([Payload(marker)], dtype=object), allow_pickle=True)
    weights = io.BytesIO()
    torch.save(Payload(marker), weights)
    content = {name: pickle.dumps(Payload(marker)) for name in MEMBERS}
    content |= {"npy": array.getvalue(), "pth": weights.getvalue(), "pt": weights.getvalue()}
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for number in range(samples):
            sample = tiny_sample(rng, f"{number:04d}")
            key = sample.pop("__key__")
            for extension, data in {**sample, **content}.items():
                add_member(tar, f"{key}.{extension}", data)


def add_member(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    """Add a plain file to a tar, whatever its name is."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def commands(marker: Path) -> list[str]:
    """Names of shards of which a careless reader would run a command."""
    return [
        f"pipe:mkdir {marker}",
        f" PIPE:mkdir {marker}",
        f"pipe:mkdir {marker} #/000000.tar",
        f"{{pipe:mkdir {marker},000000}}.tar",
        f"simplecache::pipe:mkdir {marker}",
        f"| mkdir {marker}",
        f"shell://localhost/mkdir {marker}",
        f"$(mkdir {marker}).tar",
        f"; mkdir {marker}; .tar",
    ]


def yaml_tags(marker: Path) -> list[str]:
    """Values of YAML of which a careless loader would make a call."""
    return [
        f'!!python/object/apply:os.mkdir ["{marker}"]',
        f'!!python/object/new:os.mkdir ["{marker}"]',
        f"!!python/object/apply:subprocess.check_call [[mkdir, {marker}]]",
        f"!!python/object/apply:builtins.exec ['import os; os.mkdir(\"{marker}\")']",
    ]
