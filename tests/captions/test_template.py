import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from streetclip.captions import template as template_module
from streetclip.captions.template import load_template, shipped_templates
from streetclip.errors import TemplateError


def problems(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"broken\.yaml") as caught:
        load_template(str(path))
    return caught.value.problems


def test_shipped_templates_have_the_probabilities_of_the_reference_code() -> None:
    assert dict(load_template("street").probabilities) == {
        "location": 1.0,
        "location/1": 1.0,
        "location/2": 0.4,
        "location/3": 0.6,
        "location/4": 1.0,
    }
    facts = load_template("street_facts")
    kept = {sentence.name: sentence.probability for sentence in facts.sentences}
    assert kept == {
        "climate": 0.4,
        "location": 1.0,
        "driving side": 0.3,
        "compass": 0.3,
        "month": 0.3,
    }
    by_name = {sentence.name: sentence for sentence in facts.sentences}
    assert dict(by_name["location"].given) == {"climate": 0.7}
    assert by_name["driving side"].without == ("climate",)
    assert [name for name, sentence in by_name.items() if not sentence.shuffle] == ["location"]


def test_every_shipped_template_loads_and_needs_only_the_country() -> None:
    names = shipped_templates()
    assert set(names) >= {"street", "street_facts"}
    for name in names:
        assert load_template(name).required == ("country",)


def test_templates_can_be_pickled_and_compared() -> None:
    template = load_template("street_facts")
    assert pickle.loads(pickle.dumps(template)) == template


def test_the_digest_follows_the_file_and_the_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "columns: {genus: required}\nsentences: [{text: 'A {genus}'}]\n"
    path = tmp_path / "plants.yaml"
    path.write_text(text)
    first = load_template(str(path))
    assert first.name == "plants"
    assert load_template(str(path)).digest == first.digest
    path.write_text(text.replace("A ", "The "))
    assert load_template(str(path)).digest != first.digest
    path.write_text(text)
    monkeypatch.setattr(template_module, "countries_digest", lambda: "other names")
    assert load_template(str(path)).digest != first.digest


def test_all_problems_of_a_file_are_reported_together(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
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
        ("columns: [\n", "it is no YAML"),
        (
            "columns: {a: required}\nsentences: [{text: 'A {a}', with: 3}]",
            "`with` must map earlier sentences",
        ),
    ],
)
def test_broken_files_say_what_a_template_is(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in problem for problem in problems(tmp_path, text))


@pytest.mark.parametrize(
    "sentence",
    [
        "{text: 'A {a}', probability: 0.9}",
        "{text: 'A {b}'}",
        "{parts: [{text: A}, {text: 'of {a}', probability: 0.5}]}",
    ],
)
def test_templates_whose_captions_could_be_empty_are_refused(tmp_path: Path, sentence: str) -> None:
    columns = "columns: {a: required, b: optional}\n"
    other = "{text: 'B {a} {b}', probability: 0.5}"
    found = problems(tmp_path, f"{columns}sentences: [{sentence}, {other}]\n")
    assert any("a caption could be empty" in problem for problem in found)


def test_an_unknown_name_gets_the_nearest_shipped_one() -> None:
    with pytest.raises(TemplateError, match="did you mean 'street_facts'"):
        load_template("street_fact")


def test_captions_are_written_without_torch() -> None:
    code = (
        "import sys; from streetclip.captions.template import load_template;"
        "load_template('street_facts'); sys.exit('torch' in sys.modules)"
    )
    source = Path(template_module.__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(source)})
    assert done.returncode == 0
