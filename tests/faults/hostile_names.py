"""Names and documents that would run a command or lead out of their folder."""

import csv
import json
import tarfile
from pathlib import Path

import pytest
from tests.faults.hostile import add_member, commands, yaml_tags
from tests.forkedrun import BATCH, PROTOCOL
from tests.sources import jpeg, write_table
from tests.tinyrun import write_experiment
from tests.tinyshards import write_tiny_shards

from streetclip.captions.template import load_template
from streetclip.config.load import load_benchmark, load_experiment
from streetclip.data.stages import expand_urls
from streetclip.errors import ConfigError, ProtocolError, ShardError, TemplateError
from streetclip.shards.index import index_shards
from streetclip.shards.layout import SHARDS_FILE, open_shard_set
from streetclip.shards.opener import TarOpener
from streetclip.shards.write import BuildOptions, build_shards
from streetclip.zeroshot.protocol import load_protocol


def command_as_shard(folder: Path, marker: Path) -> int:
    """A command as the address of a shard."""
    names = commands(marker)
    for name in names:
        with pytest.raises(ShardError, match=r"refused|no such way|cannot be opened|no tar"):
            _open_all(name)
    return len(names)


def tags_in_yaml(folder: Path, marker: Path) -> int:
    """A call as a value of every kind of document, and of an argument."""
    experiment = write_experiment(folder)
    refused = 0
    for number, tag in enumerate(yaml_tags(marker)):
        file = folder / f"hostile{number}.yaml"
        file.write_text(f"description: {tag}\nseed: {tag}\n{tag}: 1\n")
        with pytest.raises(ConfigError, match="not readable as YAML"):
            load_experiment(file)
        with pytest.raises(ConfigError, match="not readable as YAML"):
            load_experiment(experiment, [f"seed={tag}"])
        with pytest.raises(ConfigError, match="not readable as YAML"):
            load_benchmark(file)
        with pytest.raises(TemplateError, match="it is no YAML"):
            load_template(str(file))
        file.write_text(f"{PROTOCOL}names: {tag}\n")
        with pytest.raises(ProtocolError, match="it is no YAML"):
            load_protocol(str(file))
        refused += 5
    return refused


def leaving_in_tar(folder: Path, marker: Path) -> int:
    """Members whose names lead out of the folder."""
    names = ("../marker", f"{marker}", "a/../../marker", "..\\marker", "./../marker")
    for number, name in enumerate(names):
        place = folder / str(number)
        place.mkdir()
        with tarfile.open(place / "000000.tar", "w") as tar:
            add_member(tar, f"{name}.jpg", jpeg(1))
            add_member(tar, f"{name}.json", b'{"latitude": 1, "longitude": 2}')
        with pytest.raises(ShardError, match="leads out of the folder"):
            index_shards(place)
    assert not list(folder.glob("marker*")), "a member was written"
    return len(names)


def leaving_in_shards_json(folder: Path, marker: Path) -> int:
    """Tars of a set whose names lead out of its folder, or are a command."""
    outside = write_tiny_shards(folder / "outside") / "000000.tar"
    shards = write_tiny_shards(folder / "inside")
    names = ("../outside/000000.tar", str(outside), f"pipe:mkdir {marker}", "sub/../000000.tar")
    listed = json.loads((shards / SHARDS_FILE).read_text())
    for name in names:
        listed["shards"][0]["file"] = name
        (shards / SHARDS_FILE).write_text(json.dumps(listed))
        with pytest.raises(
            ShardError, match=r"has a wrong field file.*names of files in its folder"
        ):
            open_shard_set(shards)
    return len(names)


def leaving_in_table(folder: Path, marker: Path) -> int:
    """Photographs of a table whose names lead out of its folder; the rest of it is built."""
    secret = folder / "secret.jpg"
    secret.write_bytes(jpeg(99))
    names = ("../secret.jpg", str(secret), "a/../../secret.jpg", f"pipe:mkdir {marker}")
    table = write_table(folder / "source", BATCH, lines=[f"{name},1,2" for name in names])
    report = build_shards(table, folder / "out", options=BuildOptions(val_share=0))
    assert report.written == BATCH, f"{report.written} photographs were built"
    with (folder / "out" / "rejected.csv").open(newline="") as file:
        reasons = {row["name"]: row["reason"] for row in csv.DictReader(file)}
    assert sorted(reasons) == sorted(names), f"rejected were {reasons}"
    expected = dict.fromkeys(names[:3], "path_outside_folder") | {names[3]: "missing_file"}
    assert reasons == expected, f"rejected were {reasons}"
    return len(names)


def _open_all(name: str) -> None:
    for url in expand_urls([name]):
        TarOpener()(url).close()
