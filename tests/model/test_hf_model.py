"""Models of transformers compute here what they compute there, and ours there what they do here."""

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.hfclip import (
    CAPTIONS,
    STREETCLIP,
    logits_of,
    make_clip,
    photographs,
    rows_of,
    save_clip,
    transformers,
)
from torch import Tensor

from streetclip.errors import ModelError, ModelMismatchError
from streetclip.model.backbone import Backbone, rebuild_backbone
from streetclip.model.hf_config import open_clip_config
from streetclip.model.hf_files import read_preprocessor
from streetclip.model.hf_keys import entries
from streetclip.model.hf_model import hf_files, hf_spec, load_hf, write_hf
from streetclip.model.hf_preprocess import read_preprocess
from streetclip.model.spec import spec_of
from streetclip.model.vocabulary import tokenizer_problems
from streetclip.model.weights import weights_digest

TOLERANCE = 1e-4


def _logits(model: Backbone) -> tuple[Tensor, Tensor]:
    with torch.no_grad():
        images = model.encode_image(photographs())
        texts = model.encode_text(model.tokenize(CAPTIONS))
        per_image = model.logit_scale * images @ texts.T
    return per_image, per_image.T


def _close(ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("hidden_act", ["quick_gelu", "gelu"])
@pytest.mark.parametrize("text", [{}, {"eos_token_id": 2, "max_position_embeddings": 40}])
def test_logits_are_the_same_before_and_after_import_and_after_export(
    hidden_act: str, text: dict[str, Any], tmp_path: Path
) -> None:
    reference = make_clip(hidden_act=hidden_act, **text)
    model = load_hf(save_clip(reference, tmp_path))
    rows = rows_of(model.tokenize(CAPTIONS))
    expected = logits_of(reference, photographs(), rows)
    assert expected[0].std() > 1  # or any two models would agree
    _close(_logits(model), expected)
    out = tmp_path / "out"
    out.mkdir()
    write_hf(model, out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again, report = transformers().CLIPModel.from_pretrained(out, output_loading_info=True)
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    _close(logits_of(again.eval(), photographs(), rows), expected)
    assert weights_digest(load_hf(out)) == weights_digest(model)


def test_streetclips_weights_have_the_names_and_shapes_of_the_map() -> None:
    library = transformers()
    with torch.device("meta"):
        theirs = library.CLIPModel(library.CLIPConfig(**STREETCLIP)).state_dict()
        ours = rebuild_backbone(spec_of("StreetCLIP", open_clip_config(STREETCLIP)[0]))
    state = ours.clip.state_dict()
    wanted = {
        name: entry.shape_there(list(state[entry.ours].shape))
        for entry in entries(24, 12)
        for name in entry.theirs
    }
    assert len(wanted) == 590
    assert {name: list(tensor.shape) for name, tensor in theirs.items()} == wanted


def test_the_other_activation_would_give_other_logits(tmp_path: Path) -> None:
    reference = make_clip(hidden_act="quick_gelu")
    folder = save_clip(reference, tmp_path)
    config = json.loads((folder / "config.json").read_text())
    for part in ("text_config", "vision_config"):
        config[part]["hidden_act"] = "gelu"
    (folder / "config.json").write_text(json.dumps(config))
    model = load_hf(folder)
    expected = logits_of(reference, photographs(), rows_of(model.tokenize(CAPTIONS)))
    assert (_logits(model)[0] - expected[0]).abs().max() > 100 * TOLERANCE


@pytest.mark.parametrize("how", ["sharded", "pickled", "half"])
def test_weights_are_taken_in_every_form(tmp_path: Path, how: str) -> None:
    reference = make_clip()
    folder = save_clip(
        reference.half() if how == "half" else reference,
        tmp_path,
        **({"max_shard_size": "300KB"} if how == "sharded" else {}),
    )
    if how == "pickled":
        # As transformers wrote it until 2023, with its counts of positions.
        state = load_file(folder / "model.safetensors")
        state["text_model.embeddings.position_ids"] = torch.arange(77).expand(1, -1)
        torch.save(state, folder / "pytorch_model.bin")
        (folder / "model.safetensors").unlink()
    assert (folder / "model.safetensors").is_file() == (how == "half")
    model = load_hf(folder)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    rows = rows_of(model.tokenize(CAPTIONS))
    _close(_logits(model), logits_of(reference.float(), photographs(), rows))


def test_the_processor_of_an_export_prepares_photographs_and_captions_as_we_do(
    tmp_path: Path,
) -> None:
    from PIL import Image

    model = load_hf(save_clip(make_clip(), tmp_path))
    out = tmp_path / "out"
    out.mkdir()
    write_hf(model, out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        processor = transformers().CLIPProcessor.from_pretrained(out)
        captions = [*CAPTIONS, "Saint-Denis in Réunion & São Tomé, 1:1", "ÅLAND   Łódź's 東京 2024"]
        pictures = [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in photographs()]
        made = processor(text=captions, images=pictures, return_tensors="pt", padding=True)
        processor.save_pretrained(tmp_path / "again")
    # What transformers writes in its newer form is recognized too.
    assert tokenizer_problems(tmp_path / "again", 77) == []
    assert read_preprocess(read_preprocessor(tmp_path / "again"), 32)[1] == []
    assert [row[: row.index(49407) + 1] for row in made["input_ids"].tolist()] == rows_of(
        model.tokenize(captions)
    )
    mean, std = model.statistics
    ours = (photographs() / 255 - mean) / std
    torch.testing.assert_close(made["pixel_values"], ours, rtol=0, atol=1e-5)


@pytest.fixture
def exported(tiny: Backbone, tmp_path: Path) -> Path:
    """The tiny model as a folder, made without transformers."""
    folder = tmp_path / "exported"
    folder.mkdir()
    write_hf(tiny, folder)
    return folder


def _change(folder: Path, file: str, **parts: dict[str, Any]) -> None:
    config = json.loads((folder / file).read_text())
    for part, changes in parts.items():
        config[part] = {**config[part], **changes}
    (folder / file).write_text(json.dumps(config))


def test_an_export_read_back_is_the_model(exported: Path, tiny: Backbone) -> None:
    again = load_hf(exported)
    assert not again.training
    assert again.spec.name == f"hf:{exported}"
    assert again.preprocess == tiny.preprocess
    assert weights_digest(again) == weights_digest(tiny)
    tokens = tiny.tokenize(["a street"])
    assert torch.equal(again.encode_text(tokens), tiny.encode_text(tokens))


def test_a_specification_needs_no_weights(exported: Path) -> None:
    spec = load_hf(exported).spec
    (exported / "model.safetensors").unlink()
    assert hf_spec(exported) == spec
    with pytest.raises(ModelError, match="no folder 'absent'"):
        hf_spec(Path("absent"))
    _change(exported, "config.json", vision_config={"hidden_act": "relu"})
    with pytest.raises(ModelMismatchError, match="relu"):
        hf_spec(exported)


def test_everything_that_differs_is_in_one_error(exported: Path) -> None:
    _change(exported, "config.json", text_config={"hidden_act": "gelu_new"})
    _change(exported, "config.json", text_config={"max_position_embeddings": 41})
    _change(exported, "preprocessor_config.json", size={"shortest_edge": 40})
    weights = load_file(exported / "model.safetensors")
    del weights["text_model.final_layer_norm.bias"]
    weights["text_model.extra"] = torch.zeros(1)
    save_file(weights, exported / "model.safetensors")
    with pytest.raises(
        ModelMismatchError, match=r"model 'hf:.*exported' has \d problems"
    ) as caught:
        load_hf(exported)
    text = "\n".join(caught.value.problems)
    for part in (
        "text.hidden_act is 'gelu_new'",
        "size is {'shortest_edge': 40}",
        "model_max_length is 40, the model's context 41",
        "weights missing: text_model.final_layer_norm.bias",
        "weights unknown: text_model.extra",
        "text_model.embeddings.position_embedding.weight has shape [40, 32], not [41, 32]",
    ):
        assert part in text
    assert isinstance(caught.value, ModelError)


def test_a_configuration_that_asks_for_no_towers_is_refused_before_weights_are_read(
    exported: Path,
) -> None:
    _change(exported, "config.json", vision_config={"num_hidden_layers": 10**9})
    (exported / "model.safetensors").unlink()
    with pytest.raises(ModelMismatchError, match=r"vision\.num_hidden_layers is 1000000000"):
        load_hf(exported)


def test_missing_preprocessing_is_said(exported: Path, caplog: pytest.LogCaptureFixture) -> None:
    (exported / "preprocessor_config.json").unlink()
    load_hf(exported)
    assert "has no preprocessor_config.json: mean and deviation are OpenAI's" in caplog.text


def test_a_model_that_transformers_has_no_word_for_is_refused_with_all_reasons(
    make_backbone: Callable[..., Backbone], tmp_path: Path
) -> None:
    model = make_backbone(custom_text=True, vision_cfg={"image_size": [32, 64]})
    with pytest.raises(
        ModelMismatchError, match=r"(?s)words of transformers' CLIPModel.*custom_text.*32 x 64"
    ):
        write_hf(model, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_text_files_of_a_folder_are_all_that_transformers_reads(tiny: Backbone) -> None:
    assert sorted(hf_files(tiny)) == [
        *("config.json", "merges.txt", "preprocessor_config.json"),
        *("special_tokens_map.json", "tokenizer_config.json", "vocab.json"),
    ]
