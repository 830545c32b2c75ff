"""A licence is told where somebody has stated it, and is unknown everywhere else."""

from pathlib import Path

import pytest

from streetclip.model.licences import OWN, UNKNOWN, start_weights


@pytest.mark.parametrize(
    ("name", "pretrained", "start_from", "licence"),
    [
        ("ViT-L-14-336-quickgelu", "openai", None, "mit"),
        ("open_clip:ViT-L-14-336-quickgelu:openai", None, None, "mit"),
        ("ViT-B-32:laion2b_s34b_b79k", None, None, "mit"),
        ("ViT-B-32", "metaclip_400m", None, "cc-by-nc-4.0"),
        ("ViT-B-16", "dfn2b", None, UNKNOWN),
        ("ViT-B-32", "openai/weights.pt", None, UNKNOWN),
        ("ViT-B-32", None, "runs/a/001/checkpoints/best.ckpt", UNKNOWN),
        ("ViT-B-32", None, None, OWN),
        ("experiments/models/tiny.json", None, None, OWN),
        ("open_clip:exports/mine", None, None, UNKNOWN),
        ("hf:absent", None, None, UNKNOWN),
        ("hf:models/StreetCLIP", None, None, "cc-by-nc-4.0"),
    ],
)
def test_the_licence_of_start_weights(
    name: str, pretrained: str | None, start_from: str | None, licence: str
) -> None:
    start = start_weights(name, pretrained, start_from)
    assert start.licence == licence
    assert bool(start.source) == (licence not in (UNKNOWN, OWN))


def test_no_folder_of_the_user_stands_in_the_words() -> None:
    for start in (
        start_weights("hf:/home/me/clip", None, None),
        start_weights("/home/me/model.json", "/home/me/weights.pt", None),
        start_weights("ViT-B-32", None, "/home/me/a.ckpt"),
        start_weights("open_clip:/home/me/clip", None, None),
    ):
        assert "home" not in start.what


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlicense: Apache-2.0\n---\n# Model\n", "apache-2.0"),
        ("---\nlicense: [mit]\n---\n", UNKNOWN),
        ("---\nlicense: !!python/name:os.system\n---\n", UNKNOWN),
        ("license: mit\n", UNKNOWN),
        ("# Model\n---\nlicense: mit\n---\n", UNKNOWN),
        ("", UNKNOWN),
    ],
)
def test_the_card_of_a_folder_states_its_licence(tmp_path: Path, card: str, licence: str) -> None:
    (tmp_path / "README.md").write_text(card)
    assert start_weights(f"hf:{tmp_path}", None, None).licence == licence
