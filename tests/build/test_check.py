from pathlib import Path

import pytest
from tests.tinyrun import tiny_experiment

from streetclip.build.check import check
from streetclip.errors import ConfigError


def test_a_whole_experiment_gives_its_parts(tmp_path: Path) -> None:
    parts = check(tiny_experiment(tmp_path))
    assert (parts.template.name, parts.protocol.name) == ("street", "protocol")
    assert parts.backbone.preprocess.height == 32


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.micro_batch_size=3", "data.micro_batch_size=3 does not divide data.batch_size=8"),
        ("trainer.devices=none", "trainer.devices must be auto or a number of devices"),
        ("trainer.accelerator=abacus", "trainer.accelerator must be one of auto, cpu"),
        ("evaluation.sets.val=x", "the name val belongs to data.val_source"),
        ("evaluation.sets.city=x", "evaluation.sets.city: no such file or folder: x"),
        ("checkpoint.monitor=zeroshot/vla/median_km", "names the set vla; sets of this.*: val"),
        ("data.val_source=gone.csv", "data.val_source: no such file or folder: gone.csv"),
        ("data.shards.opt_out=gone.txt", "data.shards.opt_out: no such file"),
        ("model.pretrained=gone.safetensors", "gone.safetensors"),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check(tiny_experiment(tmp_path, override))


def test_spread_countries_are_refused_where_there_is_no_plan(tmp_path: Path) -> None:
    options = tiny_experiment(tmp_path, "data.order=resampled", "data.spread_countries=true")
    with pytest.raises(ConfigError, match=r"data.order=resampled has none; set data.order=planned"):
        check(options)


def test_negatives_that_contradict_the_accumulation_are_named(tmp_path: Path) -> None:
    local = ("data.micro_batch_size=4", "loss.negatives=local")
    with pytest.raises(ConfigError, match=r"or accumulate\.mode=plain, or unset data\.mic"):
        check(tiny_experiment(tmp_path, *local))
    check(tiny_experiment(tmp_path, *local, "accumulate.mode=plain"))


def test_urls_of_resampled_shards_are_not_looked_for_on_the_disk(tmp_path: Path) -> None:
    check(
        tiny_experiment(
            tmp_path, "data.order=resampled", "data.source=https://example.org/{0..9}.tar"
        )
    )


def test_shard_sets_at_urls_are_not_looked_for_on_the_disk(tmp_path: Path) -> None:
    words = ("data.source", "data.val_source", "evaluation.sets.city")
    check(tiny_experiment(tmp_path, *(f"{word}=https://example.org/set" for word in words)))
