"""The losses as modules: by their names, and on two ranks as on one."""

import os
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from open_clip.loss import ClipLoss as OpenClipLoss
from tests.forkedranks import fork_ranks
from torch import distributed as dist
from torch.nn import functional as F

from streetclip.errors import ModelError
from streetclip.model.loss import (
    ClipLoss,
    Negatives,
    SiglipLoss,
    equal_caption_share,
    make_loss,
    needs_logit_bias,
)

KINDS = ["clip", "multi_positive", "siglip"]
ROWS = 6
# Captions of each rank repeat within it and on the other one.
IDS = torch.tensor([1, 2, 1, 3, 1, 2])


def _features(rows: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return F.normalize(torch.randn(rows, 5, generator=generator, dtype=dtype), dim=-1)


@pytest.mark.parametrize("negatives", ["global", "local"])
def test_loss_and_gradients_equal_open_clips(negatives: Negatives) -> None:
    image, text = _features(6, 1, torch.float64), _features(6, 2, torch.float64)
    scale = torch.tensor(14.3, dtype=torch.float64)
    ours = [value.clone().requires_grad_() for value in (image, text, scale)]
    theirs = [value.clone().requires_grad_() for value in (image, text, scale)]
    loss = ClipLoss(negatives)(*ours).loss
    reference = OpenClipLoss()(*theirs)
    torch.testing.assert_close(loss, reference)
    loss.backward()
    reference.backward()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_equal_captions_are_counted_on_every_row_that_has_one() -> None:
    table = {(1, 2, 3): 0.0, (1, 1, 1, 1): 1.0, (5, 6, 5, 7, 6): 0.8}
    for ids, share in table.items():
        assert equal_caption_share(torch.tensor(ids)).item() == pytest.approx(share)


def test_an_unknown_loss_is_answered_with_those_there_are() -> None:
    with pytest.raises(ModelError, match=r"loss.kind is unknown; got: hinge; allowed: clip, multi"):
        make_loss("hinge")
    assert [kind for kind in KINDS if needs_logit_bias(kind)] == ["siglip"]


def test_a_model_without_bias_is_refused_by_siglip() -> None:
    features = _features(2, 1)
    with pytest.raises(ModelError, match="learns a bias, and the model has none"):
        SiglipLoss()(features, features, torch.tensor(1.0), caption_id=torch.arange(2))


def _learned(dtype: torch.dtype = torch.float64) -> dict[str, torch.Tensor]:
    """Two towers of one matrix each, and what the loss learns."""
    generator = torch.Generator().manual_seed(4)
    draw = partial(torch.randn, 7, 5, generator=generator, dtype=dtype)
    values = {"image": draw(), "text": draw()}
    values |= {"scale": torch.tensor(9.0, dtype=dtype), "bias": torch.tensor(-7.0, dtype=dtype)}
    return {name: value.requires_grad_() for name, value in values.items()}


def _loss_of_rows(kind: str, rows: slice, negatives: Negatives = "global") -> dict[str, Any]:
    """Loss and gradients of some rows of the global batch."""
    learned = _learned()
    generator = torch.Generator().manual_seed(5)
    given = torch.randn(2, ROWS, 7, generator=generator, dtype=torch.float64)
    image, text = (
        F.normalize(pixels[rows] @ learned[name], dim=-1)
        for pixels, name in zip(given, ("image", "text"), strict=True)
    )
    loss = make_loss(kind, negatives=negatives)
    result = loss(image, text, learned["scale"], caption_id=IDS[rows], logit_bias=learned["bias"])
    result.loss.backward()
    zero = torch.zeros((), dtype=torch.float64)
    gradients = {n: zero if v.grad is None else v.grad for n, v in learned.items()}
    return {"loss": result.loss.detach(), "negatives": result.negatives, **gradients}


def _save_share_of_rank(folder: Path) -> None:
    dist.init_process_group("gloo", world_size=2, rank=int(os.environ["LOCAL_RANK"]))
    rank, half = dist.get_rank(), ROWS // 2
    rows = slice(rank * half, (rank + 1) * half)
    seen = {
        f"{kind} {negatives}": _loss_of_rows(kind, rows, negatives)
        for kind in KINDS
        for negatives in ("global", "local")
    }
    torch.save(seen, folder / f"{rank}.pt")
    dist.destroy_process_group()


@pytest.fixture(scope="module")
def two_ranks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("loss_ranks")
    assert fork_ranks(partial(_save_share_of_rank, folder), 2) == [0, 0]
    return [torch.load(folder / f"{rank}.pt", weights_only=True) for rank in range(2)]


@pytest.mark.distributed
@pytest.mark.parametrize("kind", KINDS)
def test_the_mean_over_two_ranks_is_the_loss_and_gradient_of_one(
    two_ranks: list[dict[str, Any]], kind: str
) -> None:
    expected = _loss_of_rows(kind, slice(0, ROWS))
    shares = [rank[f"{kind} global"] for rank in two_ranks]
    assert {share.pop("negatives") for share in shares} == {expected.pop("negatives")} == {5.0}
    for name, value in expected.items():
        mean = (shares[0][name] + shares[1][name]) / 2
        torch.testing.assert_close(mean, value, rtol=0, atol=1e-12, msg=f"{kind}: {name}")


@pytest.mark.distributed
@pytest.mark.parametrize("kind", KINDS)
def test_local_negatives_are_those_of_the_rank(two_ranks: list[dict[str, Any]], kind: str) -> None:
    for rank, half in enumerate((slice(0, 3), slice(3, 6))):
        share = two_ranks[rank][f"{kind} local"]
        torch.testing.assert_close(share, _loss_of_rows(kind, half), rtol=0, atol=1e-12)
