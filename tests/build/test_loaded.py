"""The model of a benchmark is the one that was looked at."""

from pathlib import Path
from unittest import mock

import pytest
import torch
from tests.build.measured import run
from tests.tinybench import TinyBench

from streetclip.build.model import named_backbone
from streetclip.build.readiness import feature_cache
from streetclip.errors import InputError
from streetclip.model.backbone import Backbone


def test_weights_that_change_under_way_are_refused(tiny_bench: TinyBench, tmp_path: Path) -> None:
    def another(model: str) -> Backbone:
        backbone = named_backbone(model)
        torch.nn.init.zeros_(next(backbone.parameters()))
        return backbone

    options = tiny_bench.options(tmp_path / "out", number=1)
    with (
        mock.patch("streetclip.build.loaded.named_backbone", another),
        pytest.raises(InputError, match="the weights of small were replaced"),
    ):
        run(options)
    cache = feature_cache(options)
    assert cache is not None
