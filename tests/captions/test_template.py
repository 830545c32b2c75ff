import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from streetclip.captions import template as template_module
from streetclip.captions.template import load_template, shipped_templates
from streetclip.errors import TemplateError


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


@pytest.mark.parametrize(
    ("text", "problems"),
    [("columns: [\n", ["it is no YAML"]), ("columns: 3\n", ["`columns` must", "`sentences` must"])],
)
def test_a_broken_file_is_named_with_all_its_problems(
    tmp_path: Path, text: str, problems: list[str]
) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TemplateError, match=r"broken\.yaml has") as caught:
        load_template(str(path))
    assert len(caught.value.problems) == len(problems)
    for problem, begin in zip(caught.value.problems, problems, strict=True):
        assert problem.startswith(begin)


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
