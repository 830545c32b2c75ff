"""Where a run stands and of which batches: what a datamodule keeps in a checkpoint."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.data.conftest import data, write_tars

from streetclip.captions.template import Template, load_template
from streetclip.errors import PlanError
from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet


def test_the_state_is_plain_and_restores_the_cursor(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    first, second = (data(shard_set, preprocess, template) for _ in range(2))
    first.cursor.epoch, first.cursor.step = 1, 4
    state = json.loads(json.dumps(first.state_dict()))
    second.load_state_dict(state)
    batches = list(second.train_dataloader())
    assert [(batch["epoch"], batch["step"]) for batch in batches] == [(1, 4), (1, 5)]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"batch_size": 4}, "batch_size: 8 there, 4 here"),
        ({"seed": 6}, "seed: 5 there, 6 here"),
        ({"lanes": 2}, "lanes: 4 there, 2 here"),
        ({"window": 7}, "window: 6 there, 7 here"),
        ({"scale_min": 0.5}, "scale_min: 0.9 there, 0.5 here"),
        ({"flip": True}, "flip: False there, True here"),
        ({"template": load_template("street_facts")}, "template: "),
        ({"preprocess": Preprocess(16, 32, (0, 0, 0), (1, 1, 1))}, "width: 16 there, 32 here"),
        ({"order": "resampled"}, "order: planned there, resampled here"),
        ({"spread_countries": True}, "spread_countries: None there, 1 here"),
    ],
)
def test_a_checkpoint_of_other_batches_is_refused_with_what_differs(
    changes: dict[str, Any],
    named: str,
    shard_set: ShardSet,
    preprocess: Preprocess,
    template: Template,
) -> None:
    state = data(shard_set, preprocess, template).state_dict()
    values: dict[str, Any] = {"preprocess": preprocess, "template": template} | changes
    other = data(shard_set, values.pop("preprocess"), values.pop("template"), **values)
    with pytest.raises(PlanError, match=named):
        other.load_state_dict(state)


def test_a_checkpoint_of_another_shard_set_or_version_is_refused(
    tmp_path: Path, shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    state = data(shard_set, preprocess, template).state_dict()
    write_tars(tmp_path, [20, 13, 17], nowhere=[1])
    other = data(index_shards(tmp_path), preprocess, template)
    with pytest.raises(PlanError, match="got: shard_set: "):
        other.load_state_dict(state)
    with pytest.raises(PlanError, match="another version; got: 0; allowed: 1"):
        other.load_state_dict(state | {"version": 0})


def test_ranks_and_workers_are_no_part_of_the_fingerprint(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    one = data(shard_set, preprocess, template, workers=0)
    assert one.fingerprint() == data(shard_set, preprocess, template, workers=3).fingerprint()


def test_other_urls_are_other_batches(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    options = {"order": "resampled", "samples_per_epoch": 8}
    state = data(["a.tar"], preprocess, template, **options).state_dict()
    with pytest.raises(PlanError, match="urls: "):
        data(["b.tar"], preprocess, template, **options).load_state_dict(state)
