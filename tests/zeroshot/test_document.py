"""Protocol files that build on others, and names that say more than a file."""

from pathlib import Path

import pytest

from streetclip.errors import ProtocolError
from streetclip.zeroshot.document import Asked, read_document, taken_apart


def write(folder: Path, name: str, text: str) -> str:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_a_file_takes_over_what_it_does_not_say(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "articles: true\ncities: {per_country: 3, spacing_km: 20}\n")
    child = write(tmp_path, "b.yaml", "extends: a.yaml\ncities: {per_country: 5}\n")
    document = read_document(child)
    assert document.name == "b"
    assert document.content == {"articles": True, "cities": {"per_country": 5, "spacing_km": 20}}


def test_lists_are_replaced_and_not_joined(tmp_path: Path) -> None:
    child = write(tmp_path, "a.yaml", "extends: paper\ncountries: [FR]\n")
    content = read_document(child).content
    assert content["countries"] == ["FR"]
    assert content["articles"] is False


def test_a_chain_of_files_goes_over_folders(tmp_path: Path) -> None:
    write(tmp_path / "one", "a.yaml", "countries: list.txt\ncities: {table: c.csv}\n")
    write(tmp_path / "two", "b.yaml", "extends: ../one/a.yaml\nnames: {FR: Gaul}\n")
    last = write(tmp_path, "c.yaml", "extends: two/b.yaml\nnames: {DE: Germania}\n")
    content = read_document(last).content
    assert content["names"] == {"FR": "Gaul", "DE": "Germania"}
    for path, name in ((content["countries"], "list.txt"), (content["cities"]["table"], "c.csv")):
        assert Path(path).resolve() == (tmp_path / "one" / name).resolve()


def test_another_decoding_does_not_take_over_the_words_for_the_first(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", "decoding: beam\nbeam: {countries: 3}\n")
    child = write(tmp_path, "b.yaml", "extends: a.yaml\ndecoding: greedy\n")
    assert read_document(child).content == {"decoding": "greedy"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("extends: papers", "extends: no such file.*did you mean 'paper'"),
        ("extends: [paper]", r"extends: must name a protocol, not \['paper'\]"),
        ("extends: list.yaml", "extends: 'list.yaml' is no mapping"),
        ("extends: bad.yaml", "extends: it is no YAML"),
        ("extends: ../a/mine.yaml", "extends: '../a/mine.yaml' extends itself"),
    ],
)
def test_what_cannot_be_extended_is_named(tmp_path: Path, text: str, problem: str) -> None:
    write(tmp_path / "a", "list.yaml", "- 1\n")
    write(tmp_path / "a", "bad.yaml", "a: [\n")
    path = write(tmp_path / "a", "mine.yaml", text)
    with pytest.raises(ProtocolError, match=problem) as caught:
        read_document(path)
    assert str(caught.value).startswith(f"{path} has 1 problem")


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("paper", Asked("paper")),
        ("paper+beam", Asked("paper", "beam")),
        ("reproduction@cities.csv", Asked("reproduction", None, Path("cities.csv"))),
        ("my+file.yaml+expected@c+d.csv", Asked("my+file.yaml", "expected", Path("c+d.csv"))),
        ("paper+best", Asked("paper+best")),
    ],
)
def test_a_name_says_more_than_a_file(name: str, asked: Asked) -> None:
    assert taken_apart(name) == asked


def test_the_path_of_a_file_is_never_taken_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a+beam@b.yaml").write_text("", encoding="utf-8")
    assert taken_apart("a+beam@b.yaml") == Asked("a+beam@b.yaml")
