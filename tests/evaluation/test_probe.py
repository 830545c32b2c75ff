from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from streetclip.errors import ProbeError
from streetclip.evaluation.feature_cache import FeatureCache
from streetclip.evaluation.probe import (
    as_start,
    measure_probe,
    probe_logged,
    probe_values,
    ranks_of,
)
from streetclip.evaluation.probe_set import ProbeSet, checked, find_probe
from streetclip.evaluation.shelf import PhotoShelf, TextShelf

STEP = 12
"""As of `PlantedClip`, which tells photographs apart by their brightness."""
# Photographs 1 to 6 show these; the model believes something else of the last two.
SHOWN = ("cat", "cat", "dog", "dog", "fox", "fox")
BELIEVED = ("cat", "cat", "dog", "dog", "dog", "cat")


def _write(folder: Path) -> ProbeSet:
    for number, label in enumerate(SHOWN, 1):
        (folder / label).mkdir(parents=True, exist_ok=True)
        gray = Image.new("RGB", (16, 16), (number * STEP,) * 3)
        gray.save(folder / label / f"{number}.png")
    return checked(find_probe(folder, ["a {label}."]))


@pytest.fixture
def model(planted_clip: type) -> torch.nn.Module:
    """Believes what is planted; a module in training mode, with dropout."""
    planted = {number: (f"a {label}.",) for number, label in enumerate(BELIEVED, 1)}
    made: torch.nn.Module = planted_clip(planted).train()
    return made


def test_the_share_of_right_answers_is_counted(model: torch.nn.Module, tmp_path: Path) -> None:
    result = measure_probe(model, _write(tmp_path / "set"), batch_size=4)  # type: ignore[arg-type]
    accuracy = result.values["accuracy"]
    assert (accuracy.value, accuracy.n) == (4 / 6, 6)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low < 4 / 6 < accuracy.high
    assert (result.ranks == 0).tolist() == [True, True, True, True, False, False]
    assert model.training
    assert "top5_accuracy" not in result.values
    assert "forgotten" not in result.values


def test_batches_decide_nothing(model: torch.nn.Module, tmp_path: Path) -> None:
    probe = _write(tmp_path / "set")
    one, other = (measure_probe(model, probe, batch_size=n) for n in (1, 100))  # type: ignore[arg-type]
    assert one == other
    assert one.ranks.tolist() == other.ranks.tolist()


def test_several_prompts_are_averaged(planted_clip: type, tmp_path: Path) -> None:
    # Of each photograph only one wording is believed; both together still tell it.
    planted = {
        n: (f"one {label}" if n % 2 else f"the {label}",) for n, label in enumerate(SHOWN, 1)
    }
    probe = _write(tmp_path / "set")
    both = find_probe(tmp_path / "set", ["one {label}", "the {label}"])
    assert probe.photos == both.photos
    result = measure_probe(planted_clip(planted), both)
    assert result.values["accuracy"].value == 1.0
    assert result.prompts == ("one {label}", "the {label}")


def test_kept_features_are_not_computed_again(
    model: torch.nn.Module, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = _write(tmp_path / "set")
    cache = FeatureCache(tmp_path / "cache")
    shelves = {
        "photo_shelf": PhotoShelf(cache, {"model": 1}),
        "text_shelf": TextShelf(cache, {"model": 1}),
    }
    first = measure_probe(model, probe, batch_size=4, **shelves)  # type: ignore[arg-type]

    def refuse(*_: object) -> Tensor:
        raise AssertionError("nothing is left to compute")

    monkeypatch.setattr(type(model), "encode_image", refuse)
    monkeypatch.setattr(type(model), "encode_text", refuse)
    again = measure_probe(model, probe, batch_size=4, **shelves)  # type: ignore[arg-type]
    assert again == first


def test_what_can_not_be_read_any_more_is_named_and_does_not_count(
    model: torch.nn.Module, tmp_path: Path
) -> None:
    probe = _write(tmp_path / "set")
    cache = FeatureCache(tmp_path / "cache")
    (tmp_path / "set/fox/5.png").unlink()
    shelf = PhotoShelf(cache, {"model": 1})
    result = measure_probe(model, probe, photo_shelf=shelf, start=np.zeros(6, dtype=np.int64))  # type: ignore[arg-type]
    assert [name for name, _ in result.unreadable] == ["fox/5.png"]
    assert (result.values["accuracy"].value, result.values["accuracy"].n) == (4 / 5, 5)
    assert result.values["forgotten"].value == pytest.approx(1 / 5)
    assert not list((tmp_path / "cache").glob("*.safetensors"))
    for path in (tmp_path / "set").rglob("*.png"):
        path.unlink()
    with pytest.raises(ProbeError, match="can be read any more; got: the first: unreadable_image"):
        measure_probe(model, probe)  # type: ignore[arg-type]


def _ranks(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@pytest.mark.parametrize(
    ("now", "start", "forgotten"),
    [((0, 0, 1, 1), (0, 0, 0, 0), 0.5), ((0, 0, 0, 0), (1, 0, 0, 0), -0.25), ((0, 1), (1, 0), 0.0)],
)
def test_forgotten_is_the_difference_to_the_start(
    now: Sequence[int], start: Sequence[int], forgotten: float
) -> None:
    found = probe_values(_ranks(*now), labels=3, start=_ranks(*start))["forgotten"]
    assert found.value == pytest.approx(forgotten)


def test_the_interval_of_forgetting_is_paired() -> None:
    # Half of all answers are wrong in both: that is no uncertainty of the difference.
    start = np.tile(_ranks(0, 1), 100)
    now = start.copy()
    now[:20] = 1  # ten of these were right before
    found = probe_values(now, labels=3, start=start)["forgotten"]
    assert (found.value, found.n) == (0.05, 200)
    assert found.low is not None
    assert found.high is not None
    # A share of 10 of 200 has a standard error of 1.5 %; unpaired it would be 5 %.
    assert 0.015 < found.low < 0.035
    assert 0.065 < found.high < 0.085


def test_where_no_answer_differs_both_directions_are_open() -> None:
    found = probe_values(np.zeros(100, dtype=np.int64), labels=3, start=_ranks(*[0] * 100))
    # Clopper and Pearson for 0 of 100.
    assert found["forgotten"].value == 0.0
    assert found["forgotten"].high == pytest.approx(0.0362, abs=1e-4)
    assert found["forgotten"].low == pytest.approx(-0.0362, abs=1e-4)


def test_five_answers_count_where_there_are_more_labels() -> None:
    values = probe_values(_ranks(0, 4, 5, -1), labels=6)
    assert values["top5_accuracy"].value == pytest.approx(2 / 3)
    assert values["accuracy"].value == pytest.approx(1 / 3)


def test_a_model_that_sees_nothing_is_no_better_than_a_guess() -> None:
    labels = torch.arange(40) % 4
    ranks = ranks_of(torch.ones(40, 8), torch.ones(4, 8), labels)
    assert int((ranks == 0).sum()) == 10


def test_the_log_has_values_and_ends_of_intervals(model: torch.nn.Module, tmp_path: Path) -> None:
    result = as_start(measure_probe(model, _write(tmp_path / "set")))  # type: ignore[arg-type]
    logged = probe_logged(result)
    assert set(logged) == {
        *("probe/accuracy", "probe/accuracy_low", "probe/accuracy_high", "probe/forgotten")
    }
    assert logged["probe/accuracy"] == 4 / 6
    assert logged["probe/forgotten"] == 0.0
    assert result.plain["values"]["accuracy"]["n"] == 6
