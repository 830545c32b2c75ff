from dataclasses import replace
from pathlib import Path

import pytest

from streetclip.build.folders import (
    check_output,
    folder_name,
    is_finished,
    model_label,
    protocol_name,
    unique_labels,
)
from streetclip.errors import InputError
from streetclip.evaluation.result import Result, write_result


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("runs/quickstart/001/checkpoints/best.ckpt", "quickstart-001-best"),
        ("epoch=002-step=000010.ckpt", "epoch-002-step-000010"),
        ("https://host/models/mine.ckpt?token=1#sha256=00", "mine"),
        ("ViT-B-32", "ViT-B-32"),
        ("ViT-B-32:laion2b_s34b_b79k", "ViT-B-32-laion2b_s34b_b79k"),
        ("open_clip:ViT-L-14-336-quickgelu:openai", "ViT-L-14-336-quickgelu-openai"),
        ("open_clip:models/tiny.json:weights/a.b.safetensors", "tiny-a.b"),
        ("hf:weights/StreetCLIP", "StreetCLIP"),
        ("hf:weights/Street CLIP/", "Street-CLIP"),
    ],
)
def test_a_model_is_called_so_that_people_know_it(name: str, label: str) -> None:
    assert model_label(name) == label


def test_a_protocol_is_called_by_its_name_and_what_is_added_to_it(tmp_path: Path) -> None:
    assert protocol_name("paper", "paper") == "paper"
    assert protocol_name("paper+expected", "paper") == "paper+expected"
    assert protocol_name("reproduction@a/b.csv", "reproduction") == "reproduction@b.csv"
    file = tmp_path / "a+b.yaml"
    file.write_text("")
    assert protocol_name(str(file), "a+b") == "a+b"


def test_equal_labels_are_told_apart_by_digests() -> None:
    assert unique_labels(["a", "b", "a"], ["1" * 64, "2" * 64, "3" * 64]) == [
        "a-11111111",
        "b",
        "a-33333333",
    ]


def test_a_folder_name_says_set_model_and_protocol() -> None:
    assert folder_name("im2gps 3k", "ViT-B-32", "paper") == "im2gps-3k--ViT-B-32--paper"


def test_an_output_folder_may_hold_what_this_call_writes_and_nothing_else(tmp_path: Path) -> None:
    check_output(tmp_path / "absent", ["a"])
    for name in ("a", "tables.md", "tables.tex.partial"):
        (tmp_path / name).mkdir()
    check_output(tmp_path, ["a", "b"])
    with pytest.raises(InputError, match=r"is not empty; got: a; choose a new or empty folder"):
        check_output(tmp_path, ["b"])
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file is a file"):
        check_output(tmp_path / "file", [])


def test_a_folder_is_finished_only_with_the_result_that_is_expected(
    tiny_result: Result, tmp_path: Path
) -> None:
    expected = {"seed": 0, "weights_digest": "a" * 64}
    assert not is_finished(tmp_path / "absent", expected)
    assert not is_finished(tmp_path, expected)
    (tmp_path / "predictions.parquet").write_text("half")
    (tmp_path / "results.json.partial").write_text("half")
    assert not is_finished(tmp_path, expected)
    write_result(tiny_result, tmp_path)
    assert is_finished(tmp_path, expected)
    (tmp_path / "report.md").write_text("")
    assert is_finished(tmp_path, {})
    with pytest.raises(InputError, match=r"another result; got: weights_digest is a{16}, not b"):
        is_finished(tmp_path, {**expected, "weights_digest": "b" * 64})
    write_result(replace(tiny_result, seed=3), tmp_path)
    with pytest.raises(InputError, match="got: seed is 3, not 0; choose a new or empty folder"):
        is_finished(tmp_path, expected)


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("")
    with pytest.raises(InputError, match="is not empty; choose a new or empty folder"):
        is_finished(tmp_path, {})
    with pytest.raises(InputError, match=r"thesis.doc is a file"):
        is_finished(tmp_path / "thesis.doc", {})
