"""Compiled blocks give the same features and checkpoints, in training alone."""

import csv
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch.callbacks import Callback
from tests.forkedranks import in_own_process
from tests.model.fitting import Record, make_trainer
from tests.tinyrun import write_experiment
from torch import nn

from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.compiled import check_compiler, compile_blocks
from streetclip.model.lora import add_products
from streetclip.model.module import StreetclipModule
from streetclip.model.weights import load_backbone
from streetclip.training.ema import Ema

Make = Callable[..., Backbone]

needs_compiler = [
    pytest.mark.slow,  # inductor compiles for a minute
    pytest.mark.skipif(
        shutil.which(os.environ.get("CXX", "g++")) is None, reason="needs a C++ compiler"
    ),
    pytest.mark.filterwarnings("ignore"),  # torch's compiler warns of its own parts
    pytest.mark.timeout(900),
]


def slowly(test: Any) -> Any:
    test = in_own_process(test)
    for mark in needs_compiler:
        test = mark(test)
    return test


def _tokens(rows: int, length: int) -> torch.Tensor:
    tokens = torch.zeros(rows, length, dtype=torch.long)
    tokens[:, 0], tokens[:, 1:5] = 49_406, torch.arange(4)
    tokens[:, 5] = 49_407
    return tokens


def test_blocks_are_compiled_and_names_stay(make_backbone: Make) -> None:
    backbone, plain = make_backbone(), make_backbone()
    assert compile_blocks(backbone.clip) == 3  # one block for images, two for captions
    assert list(backbone.state_dict()) == list(plain.state_dict())
    compiled = {n for n, m in backbone.named_modules() if m._compiled_call_impl is not None}
    assert compiled == {
        "clip.visual.transformer.resblocks.0",
        "clip.transformer.resblocks.0",
        "clip.transformer.resblocks.1",
    }


def test_a_tower_without_blocks_is_compiled_as_one(make_backbone: Make) -> None:
    vision = {"layers": [1, 1, 1, 1], "width": 4, "head_width": 16, "patch_size": None}
    backbone = make_backbone(vision_cfg=vision)
    assert compile_blocks(backbone.clip) == 3
    assert backbone.clip.visual._compiled_call_impl is not None  # type: ignore[union-attr]


def test_evaluation_runs_blocks_as_they_are_written(
    make_backbone: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    backbone, plain = make_backbone().eval(), make_backbone().eval()

    def no_compiler(*_: Any, **__: Any) -> Any:
        raise AssertionError("compiled")

    monkeypatch.setattr("torch._inductor.compile_fx.compile_fx", no_compiler)
    backbone.compile_blocks()
    image, tokens = torch.rand(3, 3, 32, 32), _tokens(3, 16)
    with torch.no_grad():
        assert torch.equal(backbone.encode_image(image), plain.encode_image(image))
        assert torch.equal(backbone.encode_text(tokens), plain.encode_text(tokens))
        backbone.train()
        with pytest.raises(Exception, match="compiled"):
            backbone.encode_image(image)


@pytest.mark.parametrize(("device", "kind"), [("cpu", r"C\+\+"), ("cuda", "C")])
def test_a_missing_compiler_is_told_with_its_remedy(
    device: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streetclip.model.compiled.find_spec", lambda _: object())
    with pytest.raises(
        ModelError, match=rf"model\.compile=true, but there is no {kind} comp.*model\.compile=false"
    ):
        check_compiler(device, which=lambda _: None)
    check_compiler(device, which=lambda name: f"/usr/bin/{name}")


def test_a_missing_triton_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streetclip.model.compiled.find_spec", lambda _: None)
    with pytest.raises(ModelError, match="no triton"):
        check_compiler("cuda", which=lambda name: name)


@slowly
@pytest.mark.parametrize("checkpointing", [False, True])
def test_features_and_gradients_are_those_of_blocks_as_written(
    make_backbone: Make, checkpointing: bool
) -> None:
    torch._dynamo.reset()
    plain, compiled = make_backbone(), make_backbone()
    if checkpointing:
        compiled.checkpoint_gradients()
    compiled.compile_blocks()
    versions = torch._dynamo.utils.counters["stats"]
    image = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    before, seen = versions["unique_graphs"], list[int]()
    for length in (16, 24, 16, 24):
        for backbone in (plain, compiled):
            backbone.zero_grad()
            found = backbone.encode_image(image), backbone.encode_text(_tokens(4, length))
            (found[0] @ found[1].T).square().sum().backward()  # type: ignore[no-untyped-call]
            if backbone is plain:
                expected = found
        for ours, theirs in zip(found, expected, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)
        for one, other in zip(plain.parameters(), compiled.parameters(), strict=True):
            if one.grad is not None:
                torch.testing.assert_close(other.grad, one.grad, rtol=1e-3, atol=1e-4)
        seen.append(versions["unique_graphs"] - before)
    # One for images, one for each length of captions, and none when a length comes again.
    assert seen == [2, 3, 3, 3]


@slowly
def test_a_compiled_run_trains_averages_resumes_exactly_and_leaves_ordinary_checkpoints(
    tmp_path: Path, make_backbone: Make, make_batch: Callable[..., dict[str, Any]]
) -> None:
    short = [{**make_batch(seed), "tokens": make_batch(seed)["tokens"][:, :24]} for seed in (2, 3)]
    epochs = [[make_batch(0), make_batch(1)], short]
    options: dict[str, Any] = {"lr": 1e-2, "total_steps": 4, "micro_batch_size": 2}

    averaging: list[Callback] = []

    def trained(number: int, *, compiled: bool = True, **more: Any) -> tuple[Record, Any]:
        """Epochs up to a number, from the checkpoint of an earlier one."""
        module = StreetclipModule(make_backbone(), gradient_checkpointing=True, **options)
        if compiled:
            torch._dynamo.reset()
            module.backbone.compile_blocks()
        record = Record()
        trainer = make_trainer(tmp_path, record, *averaging, max_epochs=number)
        trainer.fit(module, _Epochs(epochs, trainer), **more)
        return record, trainer

    whole, written, path = trained(2)[0], trained(1, compiled=False)[0], tmp_path / "one.ckpt"
    for name, value in written.states[0].items():
        torch.testing.assert_close(whole.states[0][name], value, rtol=1e-3, atol=1e-3)
    trained(1)[1].save_checkpoint(path)
    names = torch.load(path, weights_only=True)["state_dict"]
    assert not [name for name in names if "_orig_mod" in name]
    assert load_backbone(path).state_dict().keys() == make_backbone().state_dict().keys()
    # The averages at the end of a run are what it exports.
    averaging.append(Ema(0.5))
    averaged, trainer = trained(1)
    end = dict(trainer.lightning_module.backbone.named_parameters())
    name = "clip.token_embedding.weight"
    mean = (averaged.states[0][name] + averaged.states[1][name]) / 2
    torch.testing.assert_close(end[name].detach(), mean)
    averaging.clear()
    # Nothing is compiled yet, and captions of another length come first than in the whole run.
    resumed, _ = trained(2, ckpt_path=path)
    assert len(resumed.states) == 2
    for name, value in whole.states[-1].items():
        assert torch.equal(resumed.states[-1][name], value), name


class _Epochs:
    """Other batches in each epoch."""

    def __init__(self, epochs: list[list[dict[str, Any]]], trainer: Any) -> None:
        self.epochs, self.trainer = epochs, trainer

    def __len__(self) -> int:
        return len(self.epochs[0])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.epochs[self.trainer.current_epoch])


def test_a_compiled_block_can_be_pickled_and_copied(make_backbone: Make) -> None:
    backbone = make_backbone()
    backbone.compile_blocks()
    block: nn.Module = next(iter(backbone.clip.visual.transformer.resblocks))  # type: ignore[union-attr,arg-type]
    assert pickle.loads(pickle.dumps(block))._compiled_call_impl is None


@slowly
@pytest.mark.distributed
def test_two_ranks_train_compiled_as_they_do_as_written(tmp_path: Path) -> None:
    losses = []
    for compiled in ("true", "false"):
        folder = tmp_path / compiled
        folder.mkdir()
        file = write_experiment(folder)
        words = (f"model.compile={compiled}", "trainer.devices=2", "data.micro_batch_size=2")
        more = ("model.gradient_checkpointing=true", "trainer.max_steps=3", "optim.lr=1e-3")
        run = subprocess.run(
            [sys.executable, "-m", "streetclip", "pretrain", str(file), *words, *more],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        table = folder / "runs" / "tiny" / "001" / "metrics.csv"
        rows = list(csv.DictReader(table.read_text().splitlines()))
        losses.append([float(row["train/loss"]) for row in rows if row["train/loss"]])
        config = (table.parent / "config.yaml").read_text()
        assert f"compile: {compiled}" in config
        assert "precision: 32-true" in config
    assert len(losses[0]) == 3
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)


@slowly
def test_products_are_trained_alike_with_compiled_blocks(make_backbone: Make) -> None:
    image = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    losses: list[list[float]] = []
    for compiled in (False, True):
        backbone = make_backbone().train()
        add_products(backbone, ["image", "text"], rank=2, alpha=4, seed=0)
        if compiled:
            backbone.compile_blocks()
        trained = [parameter for parameter in backbone.parameters() if parameter.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=1e-2)
        losses.append([])
        for _ in range(3):
            loss = (backbone.encode_image(image) @ backbone.encode_text(_tokens(4, 8)).T).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            losses[-1].append(loss.item())
    assert losses[0][2] < losses[0][0]
    assert losses[1] == pytest.approx(losses[0], abs=1e-5)
