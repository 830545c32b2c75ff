"""The vocabulary is written as transformers reads it, and others are told from it."""

import json
from pathlib import Path

import pytest

from streetclip.model.vocabulary import (
    END,
    START,
    clip_vocabulary,
    tokenizer_files,
    tokenizer_problems,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in tokenizer_files(77).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_ids_are_those_of_clip() -> None:
    ids = clip_vocabulary().ids
    assert (ids["!"], ids["a</w>"], ids[START], ids[END]) == (0, 320, 49406, 49407)
    assert sorted(ids.values()) == list(range(49408))
    assert clip_vocabulary().merges[:2] == [("i", "n"), ("t", "h")]


def test_what_is_written_is_recognized(folder: Path) -> None:
    assert tokenizer_problems(folder, 77) == []
    lines = (folder / "merges.txt").read_text(encoding="utf-8").split("\n")
    assert lines[0] == "#version: 0.2"
    assert len(lines) == 1 + 48894 + 1


def test_a_folder_without_tokenizer_files_is_not_judged(tmp_path: Path) -> None:
    assert tokenizer_problems(tmp_path, 77) == []


def test_names_of_the_marks_do_not_matter(folder: Path) -> None:
    ids = {piece: number for piece, number in clip_vocabulary().ids.items() if number < 49406}
    marks = {"<start_of_text>": 49406, "<end_of_text>": 49407}
    (folder / "vocab.json").write_text(json.dumps(ids | marks), encoding="utf-8")
    assert tokenizer_problems(folder, 77) == []


def test_another_vocabulary_is_told_by_what_differs(folder: Path) -> None:
    ids = dict(clip_vocabulary().ids)
    ids["!"], ids['"'] = ids['"'], ids["!"]
    (folder / "vocab.json").write_text(json.dumps(ids), encoding="utf-8")
    text = (folder / "merges.txt").read_text(encoding="utf-8")
    (folder / "merges.txt").write_text(text.replace("\nt h\n", "\nh t\n"), encoding="utf-8")
    assert tokenizer_problems(folder, 40) == [
        "vocab.json: 2 of 49408 pieces differ, first '!': got '\"'",
        "merges.txt: pair 2 is 'h t', not 't h'",
        "tokenizer_config.json: model_max_length is 77, the model's context 40",
    ]


def test_a_larger_or_shorter_vocabulary_is_told_by_its_size(folder: Path) -> None:
    (folder / "vocab.json").write_text(json.dumps(dict(clip_vocabulary().ids) | {"<new>": 49408}))
    (folder / "merges.txt").write_text("#version: 0.2\ni n\n")
    assert tokenizer_problems(folder, 77) == [
        "vocab.json: it has 49409 pieces, CLIP 49408",
        "merges.txt: it joins 1 pairs, CLIP 48894",
    ]


@pytest.mark.parametrize("as_text", [True, False])
def test_the_file_that_holds_all_is_compared_too(tmp_path: Path, as_text: bool) -> None:
    vocabulary = clip_vocabulary()
    merges = [" ".join(pair) if as_text else list(pair) for pair in vocabulary.merges]
    model = {"vocab": dict(vocabulary.ids), "merges": merges}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({"model": model}))
    assert tokenizer_problems(tmp_path, 77) == []
    model["merges"] = merges[1:]
    path.write_text(json.dumps({"model": model}))
    assert tokenizer_problems(tmp_path, 77) == ["tokenizer.json: it joins 48893 pairs, CLIP 48894"]


def test_a_length_that_nobody_has_set_is_none(tmp_path: Path) -> None:
    (tmp_path / "tokenizer_config.json").write_text('{"model_max_length": 1e30}')
    assert tokenizer_problems(tmp_path, 77) == []


@pytest.mark.parametrize("content", ["{", "[]", '{"model": 3}', "3"])
def test_a_file_that_is_no_vocabulary_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    (problem,) = tokenizer_problems(tmp_path, 77)
    assert problem.startswith("tokenizer.json: it cannot be read: ")
