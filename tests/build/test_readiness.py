import json
from dataclasses import asdict
from pathlib import Path

import pytest
from tests.tinybench import TinyBench

from streetclip.build.plan import Plan
from streetclip.build.readiness import feature_cache, make_plan
from streetclip.config.load import load_benchmark
from streetclip.errors import InputError


def test_a_plan_names_every_combination_readably_and_once(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    plan = make_plan(tiny_bench.options(tmp_path / "out"), progress=False)
    names = [item.folder.relative_to(tmp_path).as_posix() for item in plan.combinations]
    assert names == [
        f"out/{photographs}--{model}--{protocol}"
        for photographs in ("north", "south")
        for model in ("small", "wide")
        for protocol in ("eight", "plain")
    ]
    assert plan.finished == ()
    assert [len(model.digest) for model in plan.models] == [64, 64]
    assert not (tmp_path / "out").exists()


def test_a_single_combination_has_the_output_folder_for_itself(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    plan = make_plan(tiny_bench.options(tmp_path / "out", number=1), progress=False)
    assert [item.folder for item in plan.combinations] == [tmp_path / "out"]


def test_a_plan_survives_its_way_to_another_rank(tiny_bench: TinyBench, tmp_path: Path) -> None:
    plan = make_plan(tiny_bench.options(tmp_path / "out"), progress=False)
    assert Plan.from_plain(json.loads(json.dumps(asdict(plan)))) == plan


def test_all_problems_are_told_together_before_anything_is_made(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    options = load_benchmark(
        None,
        [
            f"models=[absent.ckpt, ViT-B-23, {tiny_bench.models[0]}, {tiny_bench.models[0]}]",
            f"data=[a/photos.csv, b/photos.csv, 'mine={tiny_bench.sets[0]}']",
            f"protocols=[atlantis, {tiny_bench.protocols[0]}]",
            *(f"out={tmp_path}/out", "accelerator=tpu", f"shards_dir={tmp_path}/shards"),
        ],
    )
    with pytest.raises(InputError, match="streetclip benchmark has 8 problems") as caught:
        make_plan(options, progress=False)
    for problem in (
        "no checkpoint 'absent.ckpt'",
        "nearest: ViT-B-32",
        f"model '{tiny_bench.models[0]}' is given twice",
        "set 'photos' is given twice; name each: NAME=PATH",
        "no such source: a/photos.csv",
        "no such source: b/photos.csv",
        "shipped are only",
        "accelerator; got: tpu",
    ):
        assert problem in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_models_of_one_name_are_told_apart_and_equal_ones_refused(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    for name, source in zip("abc", (*tiny_bench.models, tiny_bench.models[0]), strict=True):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_bytes(source.read_bytes())
    two = [f"models=[{tmp_path}/a/model.json, {tmp_path}/b/model.json]"]
    plan = make_plan(tiny_bench.options(tmp_path / "out", *two), progress=False)
    assert [model.label for model in plan.models] == [
        f"model-{model.digest[:8]}" for model in plan.models
    ]
    same = [f"models=[{tmp_path}/a/model.json, {tmp_path}/c/model.json]"]
    with pytest.raises(InputError, match=r"model 'model-[0-9a-f]{8}' is given twice"):
        make_plan(tiny_bench.options(tmp_path / "out", *same), progress=False)


def test_the_cache_is_where_the_options_say(tmp_path: Path) -> None:
    words = [f"features.cache_dir={tmp_path}/mine", "features.cache_gib=0.5"]
    cache = feature_cache(load_benchmark(None, words))
    assert cache is not None
    assert (cache.folder, cache.limit_bytes) == (tmp_path / "mine", 2**29)
    assert feature_cache(load_benchmark(None, [*words, "features.cache=false"])) is None
    default = feature_cache(load_benchmark(None))
    assert default is not None
    assert default.folder.name == "streetclip-features"
