import hashlib
from pathlib import Path

import pytest
import torch
from PIL import Image
from tests.badserver import FAULTS, BadServer
from tests.conftest import Finished

import streetclip
from streetclip.build.model import is_checkpoint, named_backbone, new_backbone
from streetclip.config.schema import ModelConfig
from streetclip.errors import AbsentError, CheckpointError, ModelError, ShardError
from streetclip.model.hf_model import write_hf
from streetclip.model.open_clip_folder import write_open_clip
from streetclip.model.weights import load_backbone, weights_digest
from streetclip.shards.cache import Cache


def test_load_gives_a_model_that_sees_and_reads(finished: Finished) -> None:
    model, preprocess, tokenize = streetclip.load(finished.run / "checkpoints" / "best.ckpt")
    assert not model.training
    pictures = [Image.new("RGB", (90, 40), "teal"), Image.new("L", (40, 90), 200)]
    images = torch.stack([preprocess(picture) for picture in pictures])
    assert images.dtype == torch.uint8
    assert images.shape == (2, 3, 32, 32)
    tokens = tokenize(["A Street View photo in France.", "A Street View photo in Japan."])
    with torch.no_grad():
        image_features, text_features = model.encode_image(images), model.encode_text(tokens)
    for features in (image_features, text_features):
        assert features.shape == (2, 16)
        torch.testing.assert_close(features.norm(dim=-1), torch.ones(2))
    assert not torch.allclose(image_features[0], image_features[1])


def test_load_takes_the_weights_that_the_checkpoint_exports(finished: Finished) -> None:
    path = finished.run / "checkpoints" / "best.ckpt"
    model, _, _ = streetclip.load(str(path))
    assert weights_digest(model) == weights_digest(load_backbone(path))


def test_a_turned_photograph_is_put_upright(finished: Finished, tmp_path: Path) -> None:
    _, preprocess, _ = streetclip.load(finished.folder / "model.json")
    picture = Image.new("RGB", (64, 64), "black")
    picture.paste((255, 255, 255), (0, 0, 64, 32))  # the sky is above
    exif = Image.Exif()
    exif[0x0112] = 3  # the camera was held upside down
    picture.rotate(180).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    with Image.open(tmp_path / "turned.jpg") as turned:
        pixels = preprocess(turned).float()
    assert pixels[:, :12].mean() > 240
    assert pixels[:, 20:].mean() < 15


def test_a_name_is_a_checkpoint_a_configuration_or_a_model(finished: Finished) -> None:
    assert named_backbone(str(finished.run / "checkpoints" / "best.ckpt")).preprocess.height == 32
    assert named_backbone(str(finished.folder / "model.json")).preprocess.height == 32
    with pytest.raises(ModelError, match="no model 'ViT-B-23' in open_clip; nearest: ViT-B-32"):
        named_backbone("ViT-B-23")
    with pytest.raises(CheckpointError, match=r"no checkpoint 'absent.ckpt'"):
        named_backbone("absent.ckpt")


@pytest.fixture
def folders(finished: Finished, tmp_path: Path) -> dict[str, Path]:
    """The finished model as folders of transformers and of open_clip."""
    model = load_backbone(finished.run / "checkpoints" / "best.ckpt")
    found = {"hf": tmp_path / "hf.ckpt", "open_clip": tmp_path / "open_clip"}
    for folder in found.values():
        folder.mkdir()
    write_hf(model, found["hf"])
    write_open_clip(model, found["open_clip"])
    return found


def test_folders_of_other_libraries_are_models_too(
    finished: Finished, folders: dict[str, Path]
) -> None:
    expected = weights_digest(load_backbone(finished.run / "checkpoints" / "best.ckpt"))
    config, weights = sorted(folders["open_clip"].iterdir())
    for name in (
        f"hf:{folders['hf']}",
        f"open_clip:{folders['open_clip']}",
        str(folders["open_clip"]),
        f"open_clip:{config}:{weights}",
        f"{config}:{weights}",
    ):
        assert not is_checkpoint(name)
        assert weights_digest(named_backbone(name)) == expected
    model, preprocess, tokenize = streetclip.load(f"hf:{folders['hf']}")
    assert not model.training
    image = model.encode_image(preprocess(Image.new("RGB", (50, 40)))[None])
    assert image.shape == model.encode_text(tokenize(["Japan"])).shape


def test_an_experiment_starts_from_a_folder_without_a_second_source_of_weights(
    finished: Finished, folders: dict[str, Path]
) -> None:
    expected = weights_digest(load_backbone(finished.run / "checkpoints" / "best.ckpt"))
    options = ModelConfig(name=f"hf:{folders['hf']}")
    backbone = new_backbone(options, seed=5)
    assert backbone.training
    assert weights_digest(backbone) == expected
    options.pretrained = "openai"
    with pytest.raises(ModelError, match=r"brings weights, and model.pretrained is set too"):
        new_backbone(options, seed=5)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hf:geolocal/StreetCLIP", "no folder 'geolocal/StreetCLIP'.*hf download OWNER/NAME"),
        ("open_clip:ViT-B-23:openai", "no model 'ViT-B-23' in open_clip; nearest: ViT-B-32"),
        ("open_clip::openai", "no model before ':'"),
        ("open_clip:ViT-L-14-336:openai", "the activation differs.*ViT-L-14-336-quickgelu"),
        ("open_clip:ViT-B-32:absent.safetensors", "no weight file 'absent.safetensors'"),
    ],
)
def test_names_that_cannot_be_meant_are_refused(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        named_backbone(name)


def test_a_folder_that_is_called_like_a_model_does_not_hide_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ViT-B-23").mkdir()
    with pytest.raises(ModelError, match="no model 'ViT-B-23' in open_clip"):
        named_backbone("open_clip:ViT-B-23")
    with pytest.raises(ModelError, match="holds no model of open_clip"):
        named_backbone("open_clip:./ViT-B-23")


def test_equal_seeds_give_equal_weights(finished: Finished) -> None:
    options = ModelConfig(name=str(finished.folder / "model.json"))
    first, second, other = (new_backbone(options, seed=seed) for seed in (1, 1, 2))
    assert weights_digest(first) == weights_digest(second) != weights_digest(other)


def test_a_model_starts_from_a_checkpoint(finished: Finished) -> None:
    path = finished.run / "checkpoints" / "best.ckpt"
    options = ModelConfig(name=str(finished.folder / "model.json"), start_from=str(path))
    backbone = new_backbone(options, seed=5)
    assert weights_digest(backbone) == weights_digest(load_backbone(path))
    options.pretrained = "weights.safetensors"
    with pytest.raises(ModelError, match=r"both set; weights come from one place: unset one"):
        new_backbone(options, seed=5)


def test_a_checkpoint_at_a_url_is_fetched_checked_and_kept(
    finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = finished.run / "checkpoints" / "best.ckpt"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = weights_digest(load_backbone(path))
    with BadServer(path.parent, FAULTS["cut_once"]) as server:
        url = f"{server.url}/best.ckpt"
        assert weights_digest(streetclip.load(f"{url}#sha256={digest}")[0]) == expected
        assert weights_digest(named_backbone(url)) == expected
        options = ModelConfig(name=str(finished.folder / "model.json"), start_from=url)
        assert weights_digest(new_backbone(options, seed=5)) == expected
        # One by its digest, after a cut; one by its URL.
        assert server.statuses("best.ckpt") in ([200, 200, 200], [200, 206, 200])
        with pytest.raises(ShardError, match=f"its sha256 is {digest}, not 0000"):
            named_backbone(f"{url}#sha256={'0' * 64}")
        with pytest.raises(AbsentError, match=r"absent\.ckpt cannot be fetched; got: 404"):
            named_backbone(f"{server.url}/absent.ckpt", Cache(tmp_path / "other"))


def test_a_page_at_the_url_of_a_checkpoint_is_no_checkpoint(
    finished: Finished, tmp_path: Path
) -> None:
    with (
        BadServer(finished.run / "checkpoints", FAULTS["page"]) as server,
        pytest.raises(ShardError, match=r"try 2: it is no whole checkpoint.*b'<html>.*upload it"),
    ):
        named_backbone(f"{server.url}/best.ckpt", Cache(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


@pytest.mark.parametrize("kind", ["hf:", "open_clip:", ""])
def test_towers_without_weights_need_configurations_alone(
    finished: Finished, tmp_path: Path, kind: str
) -> None:
    file = finished.folder / "model.json"
    if kind == "hf:":
        write_hf(named_backbone(str(file)), tmp_path)
    elif kind == "open_clip:":
        write_open_clip(named_backbone(str(file)), tmp_path)
    for weights in tmp_path.glob("*.safetensors"):
        weights.unlink()
    options = ModelConfig(name=f"{kind}{tmp_path}" if kind else str(file))
    if not kind:
        options.pretrained, options.start_from = "absent/weights.pt", None
    with pytest.raises(ModelError):
        new_backbone(options, seed=1)
    bare = new_backbone(options, seed=1, weights=False)
    assert bare.preprocess == named_backbone(str(file)).preprocess
    options.start_from = "absent.ckpt"
    options.pretrained = None
    assert new_backbone(options, seed=1, weights=False).spec == bare.spec


def test_two_sources_of_weights_are_refused_without_weights_too() -> None:
    both = ModelConfig(name="ViT-B-32", pretrained="openai", start_from="a.ckpt")
    with pytest.raises(ModelError, match=r"model.pretrained and model.start_from are both set"):
        new_backbone(both, seed=1, weights=False)
    brings = ModelConfig(name="hf:absent", pretrained="openai")
    with pytest.raises(ModelError, match="'hf:absent' brings weights, and"):
        new_backbone(brings, seed=1, weights=False)
