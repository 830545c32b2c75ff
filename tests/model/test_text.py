"""Captions shorter than the context have the features that open_clip gives them at full length."""

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional as F

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.text import takes_short_context


def test_text_features_of_short_rows_equal_open_clips_at_full_context(tiny: Backbone) -> None:
    tokens = tiny.tokenize(["a street in France", "Japan"])
    full = F.pad(tokens, (0, 40 - tokens.shape[1]))
    reference = tiny.clip.encode_text(full, normalize=True)  # type: ignore[operator]
    torch.testing.assert_close(tiny.encode_text(tokens), reference, rtol=0, atol=1e-6)
    torch.testing.assert_close(tiny.encode_text(full), reference, rtol=0, atol=1e-6)
    uneven = F.pad(tokens, (0, 3))
    torch.testing.assert_close(tiny.encode_text(uneven), reference, rtol=0, atol=1e-6)


def test_text_gradients_of_short_rows_equal_those_at_full_context(tiny: Backbone) -> None:
    tokens = tiny.tokenize(["a street in France", "Japan"])
    full = F.pad(tokens, (0, 40 - tokens.shape[1]))
    name = "transformer.resblocks.0.mlp.c_fc.weight"
    parameter = tiny.clip.get_parameter(name)
    torch.autograd.backward(tiny.encode_text(tokens)[:, 0].sum())
    short = parameter.grad
    tiny.zero_grad()
    full_features = tiny.clip.encode_text(full, normalize=True)  # type: ignore[operator]
    torch.autograd.backward(full_features[:, 0].sum())
    assert short is not None
    assert parameter.grad is not None
    torch.testing.assert_close(short, parameter.grad, rtol=1e-4, atol=1e-7)


def test_rows_longer_than_the_context_are_refused(tiny: Backbone) -> None:
    with pytest.raises(ModelError, match="exceed the model's context; got: 41; allowed: 40"):
        tiny.encode_text(torch.ones(1, 41, dtype=torch.int64))


def test_a_custom_text_tower_takes_short_rows_by_padding_them(
    make_backbone: Callable[..., Backbone],
) -> None:
    custom = make_backbone(custom_text=True, init_logit_bias=-10.0)
    tokens = custom.tokenize(["Japan"])
    assert tokens.shape == (1, 40)
    assert not takes_short_context(custom.clip)
    reference = custom.clip.encode_text(tokens, normalize=True)  # type: ignore[operator]
    torch.testing.assert_close(custom.encode_text(tokens[:, :8]), reference)
    assert not custom.clip.get_parameter("logit_bias").requires_grad


def test_a_text_tower_without_projection_takes_short_rows(
    make_backbone: Callable[..., Backbone],
) -> None:
    model = make_backbone(embed_dim=32, text_cfg={"proj_type": "none"})
    tokens = model.tokenize(["Japan"])
    full = F.pad(tokens, (0, 40 - tokens.shape[1]))
    reference = model.clip.encode_text(full, normalize=True)  # type: ignore[operator]
    torch.testing.assert_close(model.encode_text(tokens), reference, rtol=0, atol=1e-6)
