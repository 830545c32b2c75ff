import pytest
import torch
from tests.tinybench import TinyBench

from streetclip.build.devices import check_devices, launched, on_device
from streetclip.build.model import named_backbone
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.errors import ModelError


@pytest.mark.parametrize(
    ("accelerator", "devices", "message"),
    [
        ("tpu", "1", "accelerator; got: tpu; allowed: auto, cpu, gpu"),
        ("cpu", "two", "devices; got: two; allowed: auto, or a number of devices"),
        ("cpu", "0", "devices; got: 0"),
        ("gpu", "1", "there is no GPU; accelerator=cpu"),
    ],
)
def test_devices_that_are_not_there_are_refused(
    accelerator: str, devices: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    with pytest.raises(ModelError, match=message):
        check_devices(accelerator, devices)


def test_more_gpus_than_there_are_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    check_devices("gpu", "2")
    check_devices("gpu", "auto")
    check_devices("cpu", "3")
    with pytest.raises(ModelError, match="devices=3, but this machine has 2 GPUs; devices=auto"):
        check_devices("auto", "3")


def test_one_process_computes_where_it_is_told_and_in_the_precision_it_is_told() -> None:
    for precision, dtype in (("32-true", torch.float32), ("bf16-mixed", torch.bfloat16)):
        fabric = launched(BenchmarkConfig(accelerator="cpu", precision=precision, devices="auto"))
        assert (fabric.world_size, fabric.device.type) == (1, "cpu")
        with fabric.autocast():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_a_model_to_predict_with_is_in_evaluation_mode(tiny_bench: TinyBench) -> None:
    backbone = on_device(named_backbone(str(tiny_bench.models[0])), "cpu")
    assert not backbone.training
    assert next(backbone.parameters()).device.type == "cpu"
