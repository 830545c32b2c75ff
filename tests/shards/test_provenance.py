"""Licences and sources are counted as the samples state them."""

from collections.abc import Callable, Sequence
from pathlib import Path

from streetclip.shards.index import index_shards
from streetclip.shards.provenance import UNSTATED, provenance

WriteTar = Callable[..., Path]


def test_licences_and_sources_are_counted(
    write_tar: WriteTar, make_jpeg: Callable[[int], bytes], make_json: Callable[..., bytes]
) -> None:
    stated: Sequence[dict[str, object]] = [
        {"licence": "CC0", "source": "a camera"},
        {"licence": "CC0", "source": "a camera"},
        {"licence": "CC0", "source": "a camera"},
        {"licence": "CC-BY 4.0"},
        {},
    ]
    members = []
    for number, fields in enumerate(stated):
        members += [(f"{number}.jpg", make_jpeg(number)), (f"{number}.json", make_json(**fields))]
    shard_set = index_shards(write_tar(members).parent)
    found = provenance(shard_set)
    assert found.looked_at == 5
    assert found.licences == {"CC0": 3, "CC-BY 4.0": 1, UNSTATED: 1}
    assert found.sources == {"a camera": 3, UNSTATED: 2}
    assert provenance(shard_set, max_looked_at=2).looked_at == 2
