"""The options of photographs are checked, and are those of the parts that they are handed to."""

from dataclasses import asdict, fields
from pathlib import Path

import pytest

from streetclip.config.data import DataConfig, ShardsConfig
from streetclip.config.load import check_shard_options, load_experiment
from streetclip.errors import ConfigError
from streetclip.shards.write import BuildOptions


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("batch_size", "2", "1"),
        ("lanes", "null", "0"),
        ("micro_batch_size", "1", "0"),
        ("max_bad_samples", "0", "-1"),
        ("order", "resampled", "random"),
        ("augment.scale_min", "1", "1.01"),
        ("remote.timeout_s", "3600", "3601"),
        ("remote.prefetch_shards", "0", "-1"),
        ("sample_world.size_px", "1024", "1025"),
        ("sample_world.countries", "250", "251"),
        ("shards.val_share", "0.9", "0.91"),
        ("shards.quality", "100", "101"),
    ],
)
def test_the_last_allowed_value_is_taken_and_the_next_is_named(
    tmp_path: Path, name: str, good: str, bad: str
) -> None:
    file = tmp_path / "trial.yaml"
    file.write_text("seed: 1\n")
    load_experiment(file, [f"data.{name}={good}"])
    with pytest.raises(ConfigError, match=f"data.{name} must be .*got: '?{bad}"):
        load_experiment(file, [f"data.{name}={bad}"])


def test_shards_of_a_run_are_built_as_those_of_the_command() -> None:
    options, built = asdict(ShardsConfig()), asdict(BuildOptions())
    shared = set(options) & set(built)
    assert {"max_side_px", "quality", "samples_per_shard", "val_share", "seed"} <= shared
    for name in shared:
        own = options[name]
        assert (tuple(own) if isinstance(own, list) else own) == built[name], name
    assert check_shard_options(options) == ShardsConfig()


def test_no_two_options_share_their_lists() -> None:
    one, other = DataConfig(), DataConfig()
    one.shards.columns.append("genus")
    assert other.shards.columns == []
    assert {field.name for field in fields(one)} >= {"sample_world", "shards", "remote", "augment"}
