import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.badthings.images import BAD_IMAGES
from tests.badthings.metadata import BAD_METADATA
from tests.badthings.scene import seen_colors
from tests.badthings.shardset import PLACE, good_sample, write_shards
from tests.badthings.tarbytes import GoodSample
from tests.badthings.tars import BAD_TARS, BOMB_MARK
from tests.data.conftest import tokenize, write_tars
from torch.utils.data import Dataset

from streetclip.captions.template import Template
from streetclip.data.batch import Batch, Recipe
from streetclip.data.dataset import Cursor, PlannedDataset, StepSampler
from streetclip.data.loader import make_loader
from streetclip.data.plan import Plan
from streetclip.errors import PlanError, ShardError
from streetclip.records import Preprocess
from streetclip.shards.index import index_shards
from streetclip.shards.layout import ShardSet
from streetclip.shards.read import ShardReader


def planned(
    shards: ShardSet,
    preprocess: Preprocess,
    template: Template,
    *,
    rank: int = 0,
    world: int = 1,
    batch_size: int = 8,
    seed: int = 0,
    scale_min: float = 0.6,
) -> PlannedDataset:
    plan = Plan(shards.samples_per_shard, batch_size=batch_size, lanes=4, window=6, seed=seed)
    recipe = Recipe(preprocess, template, scale_min=scale_min)
    return PlannedDataset(shards, plan, recipe=recipe, tokenize=tokenize, rank=rank, world=world)


def equal(first: Batch, second: Batch) -> bool:
    return (
        first["keys"] == second["keys"]
        and first["captions"] == second["captions"]
        and torch.equal(first["image"], second["image"])
        and torch.equal(first["tokens"], second["tokens"])
        and torch.equal(first["caption_id"], second["caption_id"])
        and (first["epoch"], first["step"]) == (second["epoch"], second["step"])
    )


def test_a_batch_holds_the_samples_of_the_plan(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    dataset = planned(shard_set, preprocess, template)
    reader = ShardReader(shard_set)
    assert len(dataset) == 6
    for step in range(6):
        batch = dataset[1, step]
        positions = dataset.plan.positions(1, step).tolist()
        assert batch["keys"] == [reader.key(shard, sample) for shard, sample in positions]
        assert batch["image"].shape == (8, 3, 16, 16)
        assert batch["image"].dtype == torch.uint8
        assert torch.equal(batch["tokens"], tokenize(batch["captions"]))
        assert (batch["epoch"], batch["step"], batch["bad"]) == (1, step, [])


def test_an_epoch_sees_every_sample_once_but_for_the_tail(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    dataset = planned(shard_set, preprocess, template)
    for epoch in range(2):
        keys = [key for step in range(6) for key in dataset[epoch, step]["keys"]]
        assert len(keys) == len(set(keys)) == 48
    assert dataset.plan.tail == len(shard_set) - 48 == 2


@pytest.mark.parametrize("world", [2, 4])
def test_ranks_together_make_the_batch_of_one_process(
    world: int, shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    whole = planned(shard_set, preprocess, template)[0, 3]
    shares = [
        planned(shard_set, preprocess, template, rank=rank, world=world)[0, 3]
        for rank in range(world)
    ]
    assert [key for share in shares for key in share["keys"]] == whole["keys"]
    assert [text for share in shares for text in share["captions"]] == whole["captions"]
    assert torch.equal(torch.cat([share["image"] for share in shares]), whole["image"])
    assert torch.equal(torch.cat([s["caption_id"] for s in shares]), whole["caption_id"])


def test_captions_and_crops_are_drawn_anew_in_each_epoch(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    dataset = planned(shard_set, preprocess, template)
    per_epoch = []
    for epoch in range(2):
        batches = [dataset[epoch, step] for step in range(6)]
        per_epoch.append(
            {
                key: (caption, image.numpy().tobytes())
                for batch in batches
                for key, caption, image in zip(
                    batch["keys"], batch["captions"], batch["image"], strict=True
                )
            }
        )
    both = per_epoch[0].keys() & per_epoch[1].keys()
    assert sum(per_epoch[0][key][0] != per_epoch[1][key][0] for key in both) > 20
    assert sum(per_epoch[0][key][1] != per_epoch[1][key][1] for key in both) > 20


def test_a_batch_does_not_depend_on_what_was_asked_before_nor_on_the_process(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    first, second = (planned(shard_set, preprocess, template) for _ in range(2))
    expected = first[0, 2]
    for step in (5, 0, 1):
        _ = second[1, step]
    assert equal(second[0, 2], expected)
    assert equal(pickle.loads(pickle.dumps(second))[0, 2], expected)


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_do_not_change_the_batches(
    workers: int, shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    dataset = planned(shard_set, preprocess, template)
    sampler = StepSampler(len(dataset), cursor=Cursor(1, 2))
    alone = list(make_loader(dataset, sampler, workers=0, start_method=None))
    loaded = list(make_loader(dataset, sampler, workers=workers, start_method="fork"))
    assert [(batch["epoch"], batch["step"]) for batch in loaded] == [(1, s) for s in range(2, 6)]
    assert all(equal(*pair) for pair in zip(alone, loaded, strict=True))


def test_a_bad_photograph_is_replaced_by_the_next_good_one_of_its_shard(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    # Of shard 0, samples 3, 4 are broken and 9, its last, has no country.
    write_tars(tmp_path, [10, 6], broken=[3, 4], nowhere=[9])
    dataset = planned(index_shards(tmp_path), preprocess, template)
    for epoch in range(4):
        keys, bad = [], []
        for step in range(2):
            batch = dataset[epoch, step]
            keys += batch["keys"]
            bad += batch["bad"]
            again = planned(index_shards(tmp_path), preprocess, template)[epoch, step]
            assert equal(again, batch)
            assert again["bad"] == batch["bad"]
            assert all((item.epoch, item.step) == (epoch, step) for item in batch["bad"])
        expected = {f"{number:04d}": 1 for number in range(16) if number not in (3, 4, 9)}
        expected |= {"0005": 3, "0000": 2}
        assert {key: keys.count(key) for key in keys} == expected
        found = sorted((item.sample, item.reason, item.replaced_by) for item in bad)
        assert found == [
            (3, "unreadable_image", "0005"),
            (4, "unreadable_image", "0005"),
            (4, "unreadable_image", "0005"),
            (9, "missing_country", "0000"),
        ]
        assert {(item.shard, item.key) for item in bad} == {
            ("000000.tar", "0003"),
            ("000000.tar", "0004"),
            ("000000.tar", "0009"),
        }


def test_every_bad_thing_is_replaced_and_listed_and_every_odd_one_is_seen_as_it_is(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    image = good_sample(0).image
    pictures = [GoodSample(bad.name, bad.raw, PLACE) for bad in BAD_IMAGES]
    places = [GoodSample(f"json-{bad.name}", image, bad.raw) for bad in BAD_METADATA]
    good = [good_sample(number) for number in range(12)]
    shards = write_shards(tmp_path, [pictures + good[:5], good[5:] + places])
    dataset = planned(shards, preprocess, template, scale_min=1.0)
    reasons: dict[str, str | None] = {bad.name: bad.training_reason for bad in BAD_IMAGES}
    reasons |= {f"json-{bad.name}": bad.reason for bad in BAD_METADATA}
    images = {bad.name: bad for bad in BAD_IMAGES}
    for epoch in range(2):
        seen, positions = list[str](), list[str]()
        refused: dict[str, str | None] = {}
        for step in range(len(dataset)):
            batch = dataset[epoch, step]
            wanted = dataset.plan.positions(epoch, step).tolist()
            positions += [dataset._reader.key(shard, sample) for shard, sample in wanted]
            seen += batch["keys"]
            refused |= {item.key: item.reason for item in batch["bad"]}
            for key, pixels in zip(batch["keys"], batch["image"], strict=True):
                if key in images:
                    colors = seen_colors(pixels.permute(1, 2, 0).numpy())
                    off = np.abs(colors - np.array(images[key].colors)).max()
                    assert off <= images[key].tolerance + 8, key
        replaced = [key for key in positions if key in refused]
        own = [key for key in positions if key not in refused]
        assert refused == {key: reasons[key] for key in refused}
        assert set(own) <= set(seen)
        assert len(set(positions)) == len(positions) == len(seen)
        assert len(own) + len(replaced) + dataset.plan.tail == len(shards)


def test_code_beside_a_photograph_is_never_run(
    tmp_path: Path, preprocess: Preprocess, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pickles = next(bad for bad in BAD_TARS if bad.name == "pickles-beside-photographs")
    samples = [good_sample(number) for number in range(4)]
    (tmp_path / "0.tar").write_bytes(pickles.make(samples))
    dataset = planned(index_shards(tmp_path), preprocess, template, batch_size=4)
    assert sorted(dataset[0, 0]["keys"]) == [sample.key for sample in samples]
    assert not (tmp_path / BOMB_MARK).exists()


def test_a_shard_without_any_good_photograph_stops_the_run(
    tmp_path: Path, preprocess: Preprocess, template: Template
) -> None:
    write_tars(tmp_path, [8], broken=range(8))
    dataset = planned(index_shards(tmp_path), preprocess, template)
    with pytest.raises(ShardError, match=r"every photograph of 000000\.tar is bad.*unreadable"):
        _ = dataset[0, 0]


def test_another_sampler_is_refused_with_advice(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    dataset: Dataset[Batch] = planned(shard_set, preprocess, template)
    with pytest.raises(PlanError, match="use_distributed_sampler=False"):
        _ = dataset[3]


def test_ranks_that_cannot_share_the_lanes_are_refused_at_once(
    shard_set: ShardSet, preprocess: Preprocess, template: Template
) -> None:
    with pytest.raises(PlanError, match="cannot be shared by 3 ranks"):
        planned(shard_set, preprocess, template, world=3)


def test_the_sampler_walks_from_the_cursor_to_the_end_and_is_always_full_length() -> None:
    sampler = StepSampler(5, cursor=Cursor(2, 3))
    assert list(sampler) == [(2, 3), (2, 4)]
    assert len(sampler) == 5
    sampler.start = 1
    assert sampler.start == sampler.cursor.step == 1
    assert list(sampler) == [(2, step) for step in range(1, 5)]


def test_naming_an_epoch_is_idempotent_and_a_later_one_starts_at_its_beginning() -> None:
    sampler = StepSampler(3, cursor=Cursor(0, 1))
    for _ in range(2):
        sampler.set_epoch(0)
        assert list(sampler) == [(0, 1), (0, 2)]
    for _ in range(2):
        sampler.set_epoch(1)
        assert list(sampler) == [(1, 0), (1, 1), (1, 2)]


def test_the_restored_cursor_wins_over_an_older_epoch_of_the_trainer() -> None:
    sampler = StepSampler(2, cursor=Cursor(4, 0))
    sampler.set_epoch(0)
    assert list(sampler) == [(4, 0), (4, 1)]


def test_the_steps_of_an_epoch_are_fixed_when_the_loader_starts() -> None:
    sampler = StepSampler(3)
    steps = iter(sampler)
    sampler.cursor.step = 2
    assert list(steps) == [(0, 0), (0, 1), (0, 2)]
