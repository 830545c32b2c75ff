"""A probe set is asked of every model of a plan, and what was computed once is kept."""

from pathlib import Path

import pytest
from lightning.fabric import Fabric
from tests.build.measured import counted
from tests.tinybench import TinyBench
from tests.tinyprobe import write_tiny_probe

from streetclip.build.measuring import Session
from streetclip.build.plan import Plan, PlannedModel
from streetclip.build.probing import probe_models
from streetclip.evaluation.feature_cache import FeatureCache
from streetclip.evaluation.probe import measure_probe
from streetclip.evaluation.probe_set import ProbeSet, checked, find_probe
from streetclip.model.backbone import Backbone, create_backbone

MODELS = tuple(PlannedModel(f"seed {seed}", f"model {seed}", f"digest {seed}") for seed in (1, 2))


@pytest.fixture
def probe(tmp_path: Path) -> ProbeSet:
    return checked(find_probe(write_tiny_probe(tmp_path / "probe", each=3)))


@pytest.fixture
def backbones(tiny_bench: TinyBench) -> dict[str, Backbone]:
    return {
        model.name: create_backbone(str(tiny_bench.models[0]), seed=seed)
        for seed, model in enumerate(MODELS)
    }


def _session(
    bench: TinyBench, backbones: dict[str, Backbone], folder: Path, told: list[tuple[str, int, int]]
) -> Session:
    return Session(
        bench.options(folder, "batch_size=4"),
        Plan(str(folder), MODELS, (), (), None, {}),
        Fabric(accelerator="cpu", devices=1),
        FeatureCache(folder / "cache"),
        lambda *step: told.append(step),
        lambda model: backbones[model.name],
    )


def test_the_others_are_measured_against_the_first_and_nothing_is_computed_twice(
    tiny_bench: TinyBench, backbones: dict[str, Backbone], probe: ProbeSet, tmp_path: Path
) -> None:
    told: list[tuple[str, int, int]] = []
    with counted() as calls:
        first, second = probe_models(_session(tiny_bench, backbones, tmp_path, told), probe)
    assert (calls.photographs, calls.texts) == (2 * 9, 2 * 3)
    start, tuned = (backbones[model.name] for model in MODELS)
    alone = measure_probe(start, probe, resamples=10)
    assert first.ranks.tolist() == alone.ranks.tolist()
    assert first.values["forgotten"].value == 0.0
    expected = measure_probe(tuned, probe, resamples=10, start=alone.ranks)
    assert second.values == expected.values
    stages = [f"probe, {model.label}" for model in MODELS]
    assert list(dict.fromkeys(stage for stage, _, _ in told)) == stages
    assert [step for step in told if step[0] == stages[1]][-1] == (stages[1], 9, 9)
    with counted() as calls:
        again = probe_models(_session(tiny_bench, backbones, tmp_path, []), probe)
    assert (calls.photographs, calls.texts) == (0, 0)
    assert again == [first, second]
