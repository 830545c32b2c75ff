"""A real model behind the surface that an evaluation asks for."""

from collections.abc import Callable
from typing import Any, cast

import pytest
import torch

from streetclip.data.photos import PhotoDataset
from streetclip.evaluation.clip import ClipModel, device_of, evaluating, text_encoder
from streetclip.evaluation.run import EvaluationOptions, ask, evaluate
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.spec import spec_of
from streetclip.shards.layout import ShardSet
from streetclip.zeroshot.protocol import Protocol

TINY: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 16, "layers": 1, "width": 32, "head_width": 16, "patch_size": 8},
    "text_cfg": {"context_length": 40, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return rebuild_backbone(spec_of("tiny", TINY), seed=3)


def test_our_backbone_is_a_model_to_evaluate(backbone: Backbone) -> None:
    assert isinstance(backbone, ClipModel)
    assert device_of(backbone).type == "cpu"
    assert device_of(object()).type == "cpu"


def test_texts_of_any_batch_have_features_of_length_one(backbone: Backbone) -> None:
    with evaluating(backbone):
        features = text_encoder(backbone, device_of(backbone))(["a street", "a road in France"])
    assert torch.allclose(features.norm(dim=-1), torch.ones(2), atol=1e-5)
    assert not features.requires_grad


def test_modes_come_back_after_an_error(backbone: Backbone) -> None:
    backbone.train()
    backbone.clip.eval()
    with pytest.raises(TypeError, match="is not iterable"), evaluating(backbone):
        list(cast(Any, backbone.training))
    assert backbone.training
    assert not backbone.clip.training


def test_a_backbone_answers_as_one_photograph_at_a_time_would(
    backbone: Backbone, make_set: Callable[..., ShardSet], three_countries: Protocol
) -> None:
    photographs = make_set(
        [{"latitude": 48.0 + i, "longitude": 2.0, "country": "FR"} for i in range(7)]
    )
    options = EvaluationOptions(batch_size=4, matching_batch=4, resamples=10)
    result = evaluate(backbone, photographs, three_countries, options=options)
    questions = ask(backbone, three_countries)
    places, bank = questions.candidates, questions.bank
    dataset = PhotoDataset(photographs, backbone.preprocess)
    with evaluating(backbone):
        for i, row in enumerate(result.predictions.to_pylist()):
            photo = dataset[i]
            feature = backbone.encode_image(photo["image"][None])[0]
            country = int((bank.country_features @ feature).argmax())
            block = places.blocks[country]
            city = block.start + int((bank.city_features[block] @ feature).argmax())
            assert row["key"] == photo["key"]
            assert row["predicted_country"] == places.country_codes[country]
            assert row["predicted_city"] == places.city_name[city]
