"""The curve between two models: its ends are the models, and what is kept of it can be used."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from PIL import Image
from tests.build.measured import counted, run
from tests.tinybench import TinyBench
from tests.tinyprobe import write_tiny_probe

from streetclip.build.interpolate import InterpolateOptions, Interpolation, interpolate
from streetclip.build.model import named_backbone
from streetclip.errors import InputError, ModelError, ModelMismatchError, ProbeError, ProblemsError
from streetclip.evaluation.probe import measure_probe
from streetclip.evaluation.probe_set import checked, find_probe
from streetclip.evaluation.result import read_result
from streetclip.model.backbone import create_backbone
from streetclip.model.open_clip_folder import write_open_clip
from streetclip.model.weights import weights_digest

pytestmark = pytest.mark.usefixtures("plain_reports")


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_probe(tmp_path_factory.mktemp("probe") / "set")


@pytest.fixture(scope="module")
def tuned(tiny_bench: TinyBench, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Another model of the first architecture of the tiny benchmark."""
    folder = tmp_path_factory.mktemp("tuned")
    write_open_clip(create_backbone(str(tiny_bench.models[0]), seed=9), folder)
    return f"open_clip:{folder}"


def _options(bench: TinyBench, tuned: str, out: Path, **changes: Any) -> InterpolateOptions:
    benchmark = bench.options(out, f"features.cache_dir={out.parent}/cache", number=1)
    options = InterpolateOptions(f"open_clip:{bench.models[0]}", tuned, benchmark, alphas=(0.5,))
    return replace(options, **changes)


@pytest.fixture(scope="module")
def done(
    tiny_bench: TinyBench, tuned: str, probe: Path, tmp_path_factory: pytest.TempPathFactory
) -> Interpolation:
    folder = tmp_path_factory.mktemp("curve")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "streetclip.build.measuring.write_report",
            lambda _, out, **__: [(out / f"report.{end}").write_text("") for end in ("md", "html")],
        )
        options = _options(tiny_bench, tuned, folder / "out", probe=probe, save=0.5)
        return interpolate(options, progress=False)


def test_the_ends_have_the_figures_of_the_two_models(
    done: Interpolation, tiny_bench: TinyBench, tuned: str, probe: Path, tmp_path: Path
) -> None:
    names = (f"open_clip:{tiny_bench.models[0]}", tuned)
    for number, (name, point) in enumerate(zip(names, done.points[::2], strict=True)):
        options = tiny_bench.options(
            tmp_path / str(number), f"models=[{name}]", "features.cache=false", number=1
        )
        alone = run(options).result
        (result,) = point.results
        assert replace(alone, model=result.model) == result
        assert alone.predictions.equals(result.predictions)
        probed = measure_probe(named_backbone(name), checked(find_probe(probe)), resamples=10)
        assert point.probe is not None
        assert point.probe.ranks.tolist() == probed.ranks.tolist()
        assert point.probe.values["accuracy"] == probed.values["accuracy"]
    assert [point.alpha for point in done.points] == [0.0, 0.5, 1.0]


def test_everything_of_the_curve_is_written(done: Interpolation) -> None:
    names = {path.name for path in done.out.iterdir()}
    assert {"curve.csv", "curve.png", "interpolation.json", "alpha-0.5.ckpt"} <= names
    assert {"tables.md", "comparison.md"} <= names
    assert {name for name in names if "--" in name} == {
        f"north--alpha-{alpha}--eight" for alpha in ("0", "0.5", "1")
    }
    with Image.open(done.out / "curve.png") as picture:
        assert picture.size[0] > picture.size[1] > 300
    with (done.out / "curve.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    content = json.loads((done.out / "interpolation.json").read_text())
    for point, told in zip(done.points, content["points"], strict=True):
        own = [row for row in rows if float(row["alpha"]) == point.alpha]
        right = next(row for row in own if (row["set"], row["name"]) == ("probe", "accuracy"))
        assert point.probe is not None
        accuracy = point.probe.values["accuracy"]
        assert (float(right["value"]), float(right["low"])) == (accuracy.value, accuracy.low)
        assert told["probe"]["values"]["accuracy"]["value"] == accuracy.value
        assert told["weights_digest"] == point.digest
        country = point.results[0].values["country_accuracy"]
        told_country = told["results"][0]["values"]["country_accuracy"]
        assert told_country["value"] == country.value
    assert str(done.out.parent) not in (done.out / "interpolation.json").read_text()


def test_the_model_that_is_kept_is_the_one_that_was_measured(
    done: Interpolation, tiny_bench: TinyBench, tmp_path: Path
) -> None:
    assert done.saved == done.out / "alpha-0.5.ckpt"
    assert weights_digest(named_backbone(str(done.saved))) == done.points[1].digest
    options = tiny_bench.options(
        tmp_path / "out", f"models=[{done.saved}]", "features.cache=false", number=1
    )
    result = run(options).result
    assert result.values == done.points[1].results[0].values


def test_the_same_call_goes_on_and_computes_and_lists_nothing_twice(
    done: Interpolation, tiny_bench: TinyBench, tuned: str, probe: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    listing = Mock(side_effect=find_probe)
    monkeypatch.setattr("streetclip.build.interpolate.find_probe", listing)
    options = _options(tiny_bench, tuned, done.out, probe=probe, save=0.5)
    before = {path: path.read_bytes() for path in done.out.glob("curve.*")}
    finished = next(done.out.glob("*--alpha-0.5--*"))
    shutil.rmtree(finished)
    with counted() as calls:
        again = interpolate(options, progress=False)
    assert (calls.photographs, calls.texts) == (0, 0)
    assert listing.call_count == 1
    assert read_result(finished) == done.points[1].results[0]
    assert [point.results for point in again.points] == [point.results for point in done.points]
    assert {path: path.read_bytes() for path in done.out.glob("curve.*")} == before


def test_the_best_of_those_that_have_not_forgotten_is_kept(
    done: Interpolation, tiny_bench: TinyBench, tuned: str, probe: Path
) -> None:
    options = _options(
        tiny_bench, tuned, done.out, probe=probe,
        save_best_by="north/median_km", at_most_forgotten=1.0,
    )  # fmt: skip
    found = interpolate(options, progress=False)
    medians = [point.results[0].values["median_km"].value or 0.0 for point in found.points]
    best = found.points[medians.index(min(medians))]
    assert found.saved == done.out / f"alpha-{best.alpha:g}.ckpt"
    saved = json.loads((done.out / "interpolation.json").read_text())["saved"]
    assert saved == {
        "file": f"alpha-{best.alpha:g}.ckpt",
        "alpha": best.alpha,
        "weights_digest": best.digest,
        "best_by": "north/eight/median_km",
        "at_most_forgotten": 1.0,
    }


def test_models_of_other_architectures_are_refused_before_anything_is_written(
    tiny_bench: TinyBench, tmp_path: Path
) -> None:
    options = _options(tiny_bench, f"open_clip:{tiny_bench.models[1]}", tmp_path / "out")
    with pytest.raises(
        ModelMismatchError, match=r"embed_dim is 16 in .*small.json and 24 in .*wide"
    ):
        interpolate(options, progress=False)
    assert not (tmp_path / "out").exists()


def test_one_model_twice_is_refused(tiny_bench: TinyBench, tmp_path: Path) -> None:
    options = _options(tiny_bench, f"open_clip:{tiny_bench.models[0]}", tmp_path / "out")
    with pytest.raises(
        ModelError, match="are the same weights; name the model that training began"
    ):
        interpolate(options, progress=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alphas": (0.5, 1.5)}, "an alpha lies beyond both models; got: 1.5; allowed: 0"),
        ({"save": -1.0}, "an alpha lies beyond both models; got: -1"),
        ({"save": 0.5, "save_best_by": "x"}, "--save and --save-best-by are both given"),
        ({"at_most_forgotten": 0.1}, "--at-most-forgotten needs --save-best-by"),
        ({"save_best_by": "country_accuracy", "at_most_forgotten": 0.1}, "needs --probe"),
        ({"save_best_by": "median_km", "at_most_forgotten": 2.0}, "got: 2.0; allowed: 0 to 1"),
        ({"templates": ("a {label}",)}, "--template needs --probe"),
        ({"save_best_by": "south/median_km"}, "'south/median_km' is the name of no number"),
        ({"save_best_by": "probe/accuracy"}, "'probe/accuracy' is the name of no number"),
        ({"start": "open_clip:absent/model"}, "absent/model"),
    ],
)
def test_each_mistake_is_named(
    tiny_bench: TinyBench, tuned: str, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    options = _options(tiny_bench, tuned, tmp_path / "out", **changes)
    with pytest.raises(InputError) as error:
        interpolate(options, progress=False)
    assert message in str(error.value)
    assert not (tmp_path / "out").exists()


def test_several_mistakes_are_listed_under_the_name_of_the_command(
    tiny_bench: TinyBench, tuned: str, tmp_path: Path
) -> None:
    options = _options(tiny_bench, tuned, tmp_path / "out", start="open_clip:absent/model")
    options = replace(options, benchmark=replace(options.benchmark, data=["absent.csv"]))
    with pytest.raises(ProblemsError, match=r"^streetclip interpolate has 2 problems:\n"):
        interpolate(options, progress=False)


def test_a_probe_set_that_is_none_is_refused(
    tiny_bench: TinyBench, tuned: str, tmp_path: Path
) -> None:
    options = _options(tiny_bench, tuned, tmp_path / "out", probe=tmp_path)
    with pytest.raises(ProbeError, match="nothing to tell apart"):
        interpolate(options, progress=False)


def test_a_folder_with_other_things_is_refused(
    tiny_bench: TinyBench, tuned: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("")
    with pytest.raises(InputError, match=r"is not empty; got: mine\.txt"):
        interpolate(_options(tiny_bench, tuned, out), progress=False)
