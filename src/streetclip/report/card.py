"""The model card that goes with exported weights: what they are, what they know, what not to do.

Whatever nobody knows is said to be unknown; a card never guesses.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from streetclip.errors import shown
from streetclip.evaluation.continents import by_continent
from streetclip.evaluation.result import Result, current_versions
from streetclip.report.card_facts import UNKNOWN, Card, Training, TrainingData
from streetclip.report.leaks import leak_sentences
from streetclip.report.markdown import number_table
from streetclip.report.tables import estimate_cells, label, notes


def model_card(card: Card, results: Sequence[Result]) -> str:
    """The README.md of an exported model.

    Args:
        card: What is known of it.
        results: Of benchmarks of these weights.

    Returns:
        Markdown with a front matter that model hubs read.
    """
    version = current_versions()["streetclip"]
    parts = [
        _front_matter(card),
        f"# {card.name}",
        (
            "A CLIP model (an image and a text tower with common features) for telling where "
            f"street photographs were taken by asking in words. Exported by streetclip {version}."
        ),
        "## Use",
        _USE[card.reader],
        "## Model",
        _table(
            ("part", "value"),
            [*card.towers.items(), ("weights digest", _digest(card.weights_digest))],
        ),
        "## Licence",
        _licence(card),
        "## Training",
        *([card.interpolated] if card.interpolated else []),
        *(_training(card.training) if card.training else _not_trained(card)),
        "## Results",
        *(part for result in results for part in _result(result)),
    ]
    if not results:
        parts.append("No results were given. What it can do is unknown until it is measured.")
    return "\n\n".join([*parts, _RESPONSIBILITY]) + "\n"


_USE = {
    "transformers": "```python\nfrom transformers import CLIPModel, CLIPProcessor\n\n"
    'model = CLIPModel.from_pretrained("THIS_FOLDER")\n'
    'processor = CLIPProcessor.from_pretrained("THIS_FOLDER")\n```\n\n'
    "or `streetclip benchmark --model hf:THIS_FOLDER --data ...`.",
    "open_clip": "```python\nimport open_clip\n\n"
    'model, preprocess = open_clip.create_model_from_pretrained("local-dir:THIS_FOLDER")\n'
    'tokenizer = open_clip.get_tokenizer("local-dir:THIS_FOLDER")\n```\n\n'
    "or `streetclip benchmark --model open_clip:THIS_FOLDER --data ...`.",
}
_NOT_TRAINED = (
    "streetclip has only converted these weights; what they were trained on, their source says."
)
_RESPONSIBILITY = """\
## Intended use
- Research on how well models know the world, and on where they are wrong.
- Placing photographs that were published to be placed, or whose owners ask for it: archives,
  mapping, checking claims together with other evidence.

## Out of scope
- Finding people or their homes, or placing pictures that were not published for that purpose.
- Surveillance, stalking, targeting, and any use in which a wrong answer harms somebody.
- Taking one prediction for evidence. Errors of hundreds of kilometers are usual, and
  probabilities are no promise.

## Limits
- Errors are not spread evenly: see the continents above. Countries with few photographs in
  training do worse.
- Only places that are asked for can be answered: a result belongs to its protocol and to its
  photographs.
- The model knows streets as they were when its photographs were taken, and the prejudices of its
  start weights."""


def _not_trained(card: Card) -> list[str]:
    return [] if card.interpolated else [_NOT_TRAINED]


def _front_matter(card: Card) -> str:
    known = card.licence not in (UNKNOWN, "own")
    lines = (
        [f"license: {card.licence}"] if known else ["license: other", _LICENCE_NAMES[card.licence]]
    )
    lines += [
        f"library_name: {card.reader}",
        "pipeline_tag: zero-shot-image-classification",
        "tags: [clip, geolocation, streetclip]",
    ]
    return "\n".join(["---", *lines, "---"])


_LICENCE_NAMES = {
    UNKNOWN: "license_name: unknown-check-before-publishing",
    "own": "license_name: yours-to-choose-before-publishing",
}


def _licence(card: Card) -> str:
    began = f"It began with {card.start}."
    if card.licence == "own":
        return f"{began} No licence of other weights applies; whoever publishes it chooses one."
    if card.licence == UNKNOWN:
        return f"{began} Their licence is unknown: check before publishing."
    return (
        f"{began} Their licence is {card.licence} (source: {card.licence_source}); it goes on with "
        "what was made from them."
    )


def _training(training: Training) -> list[str]:
    data = training.data
    rows = [
        ("shard set digest", _digest(data.digest)),
        ("photographs", _count(data.photographs)),
        ("countries", UNKNOWN if data.countries is None else f"{len(data.countries)}"),
        ("towns", _count(data.towns)),
        (
            "caption template",
            f"`{_short(training.template)}`, digest {_digest(training.template_digest)}",
        ),
        ("optimizer steps", _count(training.steps)),
        ("weights", _averaged(training.ema_decay)),
    ]
    parts = [_table(("data and captions", "value"), rows)]
    if data.countries:
        parts.append(f"Countries trained on: {', '.join(sorted(data.countries))}.")
    parts.append(_provenance(data))
    options = [(f"`{name}`", f"`{_short(value)}`") for name, value in _flat(training.options)]
    return [*parts, _table(("option", "value"), options)]


def _provenance(data: TrainingData) -> str:
    if not data.looked_at:
        return "Licences and sources of the photographs: unknown (the shard set was not at hand)."
    tables = [
        _table((kind, f"of {data.looked_at:,} photographs looked at"), _shares(counts))
        for kind, counts in (("licence", data.licences), ("source", data.sources))
    ]
    return "\n\n".join(tables)


def _shares(counts: Mapping[str, int]) -> list[tuple[str, str]]:
    rows = [(_named(name), f"{count:,}") for name, count in list(counts.items())[:20]]
    rest = list(counts.values())[20:]
    return rows + ([(f"{len(rest)} others", f"{sum(rest):,}")] if rest else [])


def _result(result: Result) -> list[str]:
    return [
        f"### {result.title}, protocol {result.protocol}",
        number_table(result),
        "By continent of the true country:",
        _table(
            ("continent", "metric", "value", "95 % interval", "photographs"), _continents(result)
        ),
        "\n".join(f"- {note}" for note in (*notes(result), *_leaks(result))),
        (
            f"Protocol digest {_digest(result.protocol_digest)}, photographs' digest "
            f"{_digest(result.shard_set_digest)}."
        ),
    ]


def _leaks(result: Result) -> list[str]:
    return list(leak_sentences(result.leaks)) if result.leaks else []


def _continents(result: Result) -> list[tuple[str, ...]]:
    return [
        (
            continent,
            label(name),
            *estimate_cells(name, estimate),
            f"{estimate.n:,}",
        )
        for continent, values in by_continent(result).items()
        for name, estimate in values.items()
        if estimate.value is not None
    ]


def _averaged(decay: float | None) -> str:
    return "of the last step" if decay is None else f"averages over the steps (decay {decay})"


def _flat(options: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in sorted(options.items()):
        is_group = isinstance(value, Mapping)
        rows += _flat(value, f"{prefix}{name}.") if is_group else [(f"{prefix}{name}", value)]
    return rows


def _short(value: Any) -> str:
    """A value without the folders and secrets of whoever exports it."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(_short(each) for each in value)}]"
    text = str(value)
    if "://" in text:
        text = shown(text)
    is_path = "/" in text and (" " not in text or text.startswith(("/", "~")))
    return text.rstrip("/").rpartition("/")[2] if is_path else text


def _named(name: str) -> str:
    return shown(name) if "://" in name else name


def _digest(digest: str | None) -> str:
    return UNKNOWN if digest is None else f"`{digest[:16]}`"


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    """Free text of photographs may hold what would end a cell, or begin a tag."""
    plain = " ".join(text.split())
    return plain.replace("|", "/").replace("<", "&lt;").replace(">", "&gt;")
