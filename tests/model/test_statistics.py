"""Running statistics go back to what they were; weights stay as they are."""

import torch
from torch import nn

from streetclip.model.statistics import Statistics


def test_statistics_of_all_normalizations_are_restored_and_nothing_else() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.BatchNorm1d(4)))
    model(torch.randn(8, 3, generator=torch.Generator().manual_seed(0)))
    wanted = {name: buffer.clone() for name, buffer in model.named_buffers()}
    kept = Statistics(model)
    with torch.no_grad():
        next(model.parameters()).add_(1.0)
    weights = {name: weight.clone() for name, weight in model.named_parameters()}
    model(torch.full((8, 3), torch.nan))
    assert any(not torch.isfinite(buffer).all() for buffer in model.buffers())
    kept.restore()
    assert len(wanted) == 6
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, wanted[name]), name
    for name, weight in model.named_parameters():
        assert torch.equal(weight, weights[name]), name


def test_a_model_without_normalizations_has_nothing_to_restore() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
    Statistics(model).restore()
    assert torch.isfinite(model(torch.ones(1, 2))).all()
