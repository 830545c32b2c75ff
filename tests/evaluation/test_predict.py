from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch import nn

from streetclip.evaluation.predict import predict
from streetclip.evaluation.run import ask
from streetclip.records import Prediction, Rejection
from streetclip.zeroshot.protocol import Protocol

STEP = 12  # How far apart in brightness the planted model expects its photographs.
PLANTED = {
    1: ("In France.", "In Lyon, France."),
    2: ("In the United States.", "In Chicago, the United States."),
    3: ("In Singapore.", "In Singapore, Singapore."),
}


@pytest.fixture
def photographs(tmp_path: Path) -> list[Path]:
    """Photographs 1, 2 and 3, which the planted model tells apart by their brightness."""
    paths = [tmp_path / f"{number}.png" for number in PLANTED]
    for number, path in zip(PLANTED, paths, strict=True):
        Image.new("RGB", (20, 16), (number * STEP,) * 3).save(path)
    return paths


def _answers(
    model: Any, paths: Sequence[Path], protocol: Protocol, **options: int
) -> list[Prediction | Rejection]:
    return list(predict(model, paths, ask(model, protocol), **options))


def test_every_photograph_is_answered_with_its_planted_city(
    planted_clip: Callable[..., nn.Module], photographs: list[Path], three_countries: Protocol
) -> None:
    model = planted_clip(PLANTED)
    answers = _answers(model, photographs, three_countries, top_k=2)
    assert all(isinstance(answer, Prediction) for answer in answers)
    told = [(a.key, a.country, a.city) for a in answers if isinstance(a, Prediction)]
    assert told == [
        (str(photographs[0]), "FR", "Lyon"),
        (str(photographs[1]), "US", "Chicago"),
        (str(photographs[2]), "SG", "Singapore"),
    ]
    first = answers[0]
    assert isinstance(first, Prediction)
    assert (round(first.latitude), round(first.longitude)) == (46, 5)
    assert len(first.alternatives) == 1
    assert first.country_probability > first.alternatives[0][1]
    assert model.training  # as it was before


def test_order_and_number_survive_batches_repetitions_and_bad_files(
    planted_clip: Callable[..., nn.Module], photographs: list[Path], three_countries: Protocol
) -> None:
    damaged = photographs[0].with_name("damaged.jpg")
    damaged.write_bytes(b"no photograph")
    absent = photographs[0].with_name("absent.jpg")
    asked = [damaged, photographs[2], absent, photographs[0], photographs[0], damaged]
    answers = _answers(planted_clip(PLANTED), asked, three_countries, batch_size=2)
    assert [a.country if isinstance(a, Prediction) else a.reason for a in answers] == [
        "unreadable_image",
        "SG",
        "unreadable_file",
        "FR",
        "FR",
        "unreadable_image",
    ]
    assert [a.key if isinstance(a, Prediction) else a.name for a in answers] == [
        str(path) for path in asked
    ]


def test_more_countries_than_there_are_cannot_be_told(
    planted_clip: Callable[..., nn.Module], photographs: list[Path], three_countries: Protocol
) -> None:
    (answer,) = _answers(planted_clip(PLANTED), photographs[:1], three_countries, top_k=99)
    assert isinstance(answer, Prediction)
    told = {answer.country: answer.country_probability, **dict(answer.alternatives)}
    assert set(told) == {"FR", "SG", "US"}
    assert sum(told.values()) == pytest.approx(1, abs=1e-5)


def test_no_photographs_are_no_answers(
    planted_clip: Callable[..., nn.Module], three_countries: Protocol
) -> None:
    assert _answers(planted_clip(PLANTED), [], three_countries) == []
