"""The bias that a loss of single pairs adds to its logits: who has one, and where it begins.

A softmax does not see a bias, so that models trained with one have none. Where a model gets its
bias only now, its logit scale begins anew too: a scale that a softmax has learned, often near 100,
would put all pairs far on one side of the sigmoid, whatever the bias.
"""

import logging
import math
from dataclasses import replace
from typing import Any, cast

import torch
from torch import nn

from streetclip.model.backbone import Backbone

FIRST_BIAS = -10.0
"""Source: Zhai et al. 2023, arXiv 2303.15343, section 3.2."""

FIRST_LOG_SCALE = math.log(10)
"""Source: as `FIRST_BIAS`."""

_log = logging.getLogger(__name__)


def train_logit_bias(backbone: Backbone, wanted: bool) -> None:
    """Has the bias trained, and added where there is none; or left as it is.

    Args:
        backbone: Changed in place, with its specification.
        wanted: Whether the loss uses the bias. A parameter that gets no gradient would stop DDP.
    """
    if wanted and backbone.logit_bias is None:
        add_logit_bias(backbone)
        _log.info(
            "model '%s' gets a logit bias of %g, and begins with a logit scale of 10",
            backbone.spec.name,
            FIRST_BIAS,
        )
    for bias in backbone.scalars[1:]:
        bias.requires_grad_(wanted)


def add_logit_bias(backbone: Backbone) -> None:
    """Gives a model a bias, and the logit scale that goes with it.

    open_clip builds the same model from the specification, as exports and checkpoints do.

    Args:
        backbone: Without a bias; changed in place, with its specification.
    """
    scale = backbone.log_logit_scale
    with torch.no_grad():
        scale.fill_(FIRST_LOG_SCALE)
    cast(Any, backbone.clip).logit_bias = nn.Parameter(torch.full_like(scale, FIRST_BIAS))
    beginning = {"init_logit_scale": FIRST_LOG_SCALE, "init_logit_bias": FIRST_BIAS}
    backbone.spec = replace(backbone.spec, config={**backbone.spec.config, **beginning})
