"""Random small CLIP models made by transformers itself: the independent reference of the tests."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

WHY = "transformers is not installed: pip install 'streetclip[dev]' brings it"
SIZE = 32
CAPTIONS = ("A Street View photo in France.", "Japan", "a street in Peru, close to Cusco")

# The sizes that geolocal/StreetCLIP and openai/clip-vit-large-patch14-336 publish; what they leave
# to defaults is left out here too.
STREETCLIP: dict[str, Any] = {
    "architectures": ["CLIPModel"],
    "model_type": "clip",
    "projection_dim": 768,
    "text_config": {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "projection_dim": 768,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "dropout": 0.0,
    },
    "vision_config": {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 336,
        "patch_size": 14,
        "projection_dim": 768,
    },
}


def transformers() -> Any:
    """The library; the test that asks for it skips where it is absent."""
    with warnings.catch_warnings():
        # What it and the libraries that it looks for announce at their import is none of ours.
        warnings.simplefilter("ignore")
        return pytest.importorskip("transformers", reason=WHY)


def make_clip(*, hidden_act: str = "quick_gelu", seed: int = 0, **text: Any) -> Any:
    """A `CLIPModel` with random weights, none of them zero or one, in evaluation mode."""
    library = transformers()
    config = library.CLIPConfig(
        text_config={
            "hidden_size": 32,
            "intermediate_size": 80,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "hidden_act": hidden_act,
            **text,
        },
        vision_config={
            "hidden_size": 48,
            "intermediate_size": 100,
            "num_hidden_layers": 3,
            "num_attention_heads": 4,
            "image_size": SIZE,
            "patch_size": 8,
            "hidden_act": hidden_act,
        },
        projection_dim=24,
    )
    model = library.CLIPModel(config).eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            is_gain = "norm" in name and name.endswith("weight")
            parameter.copy_(noise * 0.3 + float(is_gain))
        model.logit_scale.fill_(3.0)
    return model


def save_clip(model: Any, folder: Path, **how: Any) -> Path:
    """Writes a model with its preprocessing, as transformers does, and gives the folder back."""
    library = transformers()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(folder, **how)
        library.CLIPImageProcessor(
            size={"shortest_edge": SIZE},
            crop_size={"height": SIZE, "width": SIZE},
            image_mean=[0.4, 0.5, 0.6],
            image_std=[0.2, 0.25, 0.3],
        ).save_pretrained(folder)
    return folder


def photographs(n: int = 4) -> Tensor:
    """Noise, uint8 [n, 3, SIZE, SIZE]."""
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (n, 3, SIZE, SIZE), generator=generator, dtype=torch.uint8)


def logits_of(model: Any, images: Tensor, tokens: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Transformers' own logits per image and per text, of normalized photographs."""
    mean = torch.tensor([0.4, 0.5, 0.6]).view(3, 1, 1)
    std = torch.tensor([0.2, 0.25, 0.3]).view(3, 1, 1)
    longest = max(map(len, tokens))
    ids = torch.tensor([[*row, *[49407] * (longest - len(row))] for row in tokens])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in tokens])
    with torch.no_grad():
        answer = model(input_ids=ids, attention_mask=mask, pixel_values=(images / 255 - mean) / std)
    return answer.logits_per_image, answer.logits_per_text


def rows_of(tokens: Tensor) -> list[list[int]]:
    """Our token rows without the zeros behind the end."""
    return [row[: row.index(49407) + 1] for row in tokens.tolist()]
