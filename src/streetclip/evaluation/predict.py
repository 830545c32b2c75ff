"""Photographs without coordinates: what a model answers for each."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from streetclip.data.decode import center_crop, decode_image
from streetclip.errors import SampleError
from streetclip.evaluation.clip import ClipModel, device_of, evaluating
from streetclip.evaluation.run import Questions
from streetclip.records import Prediction, Rejection
from streetclip.zeroshot.answers import predictions
from streetclip.zeroshot.hierarchy import decode


def predict(
    model: ClipModel,
    photographs: Sequence[Path],
    questions: Questions,
    *,
    top_k: int = 5,
    batch_size: int = 64,
) -> Iterator[Prediction | Rejection]:
    """Answer for each photograph, in their order, a batch at a time.

    Args:
        model: The two towers.
        photographs: Files; each is one answer or one rejection, named as it is given.
        questions: From `evaluation.run.ask` for the same model.
        top_k: Countries that an answer tells, itself included.
        batch_size: Photographs in one pass.

    Yields:
        A prediction, or why the photograph could not be read.
    """
    for start in range(0, len(photographs), batch_size):
        yield from _answer(model, photographs[start : start + batch_size], questions, top_k)


def _answer(
    model: ClipModel, photographs: Sequence[Path], questions: Questions, top_k: int
) -> list[Prediction | Rejection]:
    read = {path: _read(path, model) for path in photographs}
    images = {str(path): image for path, image in read.items() if isinstance(image, torch.Tensor)}
    answers: dict[str, Prediction | Rejection] = {
        bad.name: bad for bad in read.values() if isinstance(bad, Rejection)
    }
    if images:
        with evaluating(model):
            features = model.encode_image(torch.stack(list(images.values())).to(device_of(model)))
            decoded = decode(
                features,
                questions.bank,
                questions.candidates,
                logit_scale=float(model.logit_scale),
                top_k=top_k,
            )
        found = predictions(list(images), decoded, questions.candidates)
        answers |= {prediction.key: prediction for prediction in found}
    return [answers[str(path)] for path in photographs]


def _read(path: Path, model: ClipModel) -> torch.Tensor | Rejection:
    size = model.preprocess
    try:
        image = decode_image(path.read_bytes())
    except SampleError as error:
        return Rejection(str(path), error.reason, error.detail)
    except OSError as error:
        return Rejection(str(path), "unreadable_file", str(error))
    return center_crop(image, height=size.height, width=size.width)
