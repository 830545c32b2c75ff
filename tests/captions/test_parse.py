"""A template's document becomes sentences, or a list of everything that is wrong with it."""

import pytest
import yaml

from streetclip.captions.parse import Part, Slot, parse_template


def problems(text: str) -> list[str]:
    return parse_template(yaml.safe_load(text))[1]


def test_all_problems_of_a_file_are_reported_together() -> None:
    found = problems(
        """
colums: {}
columns: {country: needed, town: optional, unused: optional}
sentences:
  - name: one
    text: "in {country|contry} near {twon}"
    probability: 1.5
  - name: one
    parts:
      - {text: "x {town", probability: often}
      - {txt: y}
    with: {climate: 0.7}
    without: [two]
    shuffle: sometimes
  - text: a
    parts: []
  - 7
""",
    )
    text = "\n".join(found)
    for part in (
        "unknown key 'colums'; did you mean 'columns'?",
        "column 'country' is 'needed', not `required` or `optional`",
        "sentence one: unknown filter 'contry'; did you mean 'country'?",
        "sentence one: slot {twon} names no column of `columns`; did you mean 'town'?",
        "sentence one: probability is 1.5, not a number from 0 to 1",
        "sentence one: another sentence has this name",
        "sentence one: braces of 'x {town' do not pair up",
        "sentence one: probability is 'often', not a number from 0 to 1",
        "sentence one: a part needs a `text` of words, got {'txt': 'y'}",
        "sentence one: `with` names 'climate', no earlier sentence",
        "sentence one: `without` names 'two', no earlier sentence",
        "sentence one: shuffle is 'sometimes', not true or false",
        "sentence 3: needs either `text` or `parts`",
        "sentence 4 must be a mapping, not 7",
        "column 'unused' stands in no slot",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "a template is a mapping with source, columns, sentences"),
        ("columns: {a: required}\n", "`sentences` must list at least one sentence"),
        ("sentences: [{text: 'A {a}'}]\n", "`columns` must map each column"),
        ("columns: {a: required}\nsentences: [{parts: []}]", "must list at least one part"),
        (
            "columns: {a: required}\nsentences: [{text: 'A {a}', with: 3}]",
            "`with` must map earlier sentences",
        ),
    ],
)
def test_broken_files_say_what_a_template_is(text: str, message: str) -> None:
    assert any(message in problem for problem in problems(text))


@pytest.mark.parametrize(
    "sentence",
    [
        "{text: 'A {a}', probability: 0.9}",
        "{text: 'A {b}'}",
        "{parts: [{text: A}, {text: 'of {a}', probability: 0.5}]}",
    ],
)
def test_templates_whose_captions_could_be_empty_are_refused(sentence: str) -> None:
    columns = "columns: {a: required, b: optional}\n"
    other = "{text: 'B {a} {b}', probability: 0.5}"
    found = problems(f"{columns}sentences: [{sentence}, {other}]\n")
    assert any("a caption could be empty" in problem for problem in found)


def test_words_and_slots_stand_in_the_order_of_the_text() -> None:
    document = {
        "columns": {"genus": "required", "place": "optional"},
        "sentences": [
            {"text": "A {genus|lower|article}!"},
            {"parts": [{"text": "in {place}", "probability": 0.25}], "with": {"1": 0.5}},
        ],
    }
    form, found = parse_template(document)
    assert found == []
    assert (form.required, form.optional) == (("genus",), ("place",))
    first, second = form.sentences
    assert first.parts == (Part(("A ", Slot("genus", ("lower", "article")), "!")),)
    assert second.parts == (Part(("in ", Slot("place")), 0.25),)
    assert (second.name, second.given) == ("2", (("1", 0.5),))
