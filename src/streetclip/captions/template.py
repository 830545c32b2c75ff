"""Caption templates: YAML files of sentences with slots, probabilities and conditions."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from importlib import resources
from pathlib import Path
from types import MappingProxyType

import yaml

from streetclip.captions.parse import Sentence, parse_template
from streetclip.errors import TemplateError
from streetclip.geo.climate import CLIMATE_NAMES
from streetclip.geo.countries import countries_digest

# Raised when the same file and generator would give another caption than before.
SYNTHESIS_VERSION = 1


@dataclass(frozen=True)
class Template:
    """A checked caption template.

    Args:
        name: Name of the file without its extension.
        digest: SHA-256 over the file, the names of countries and climates, and the way captions
            are drawn; two templates of one digest write the same captions.
        required: Columns that every sample must know.
        optional: Columns whose slots are left out where unknown.
        sentences: In the order in which they are drawn.
    """

    name: str
    digest: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    sentences: tuple[Sentence, ...]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Every column that a caption may speak of."""
        return self.required + self.optional

    @cached_property
    def draws(self) -> int:
        """Uniform random numbers that one caption takes, always the same count."""
        return sum(2 + len(sentence.parts) for sentence in self.sentences)

    @property
    def probabilities(self) -> Mapping[str, float]:
        """Sentence or `sentence/part number` to the probability that it is kept, if known."""
        table = {sentence.name: sentence.probability for sentence in self.sentences}
        for sentence in self.sentences:
            for number, part in enumerate(sentence.parts, 1):
                table[f"{sentence.name}/{number}"] = part.probability
        return MappingProxyType(table)


def shipped_templates() -> list[str]:
    """Names of the templates that come with the package.

    Example:
        >>> shipped_templates()
        ['street', 'street_facts']
    """
    folder = resources.files("streetclip.captions") / "templates"
    return sorted(
        entry.name.removesuffix(".yaml")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    )


def load_template(name_or_path: str) -> Template:
    """Read a template and check all of it.

    Args:
        name_or_path: Name of a shipped template, or path of a YAML file.

    Raises:
        TemplateError: With every problem of the file.

    Example:
        >>> load_template("street").required
        ('country',)
    """
    name, raw = _read(name_or_path)
    try:
        document = yaml.safe_load(raw)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateError(name_or_path, [f"it is no YAML: {error}"]) from error
    form, problems = parse_template(document)
    if problems:
        raise TemplateError(name_or_path, problems)
    return Template(
        name=name,
        digest=_digest(raw),
        required=form.required,
        optional=form.optional,
        sentences=form.sentences,
    )


def _read(name_or_path: str) -> tuple[str, bytes]:
    if name_or_path in shipped_templates():
        entry = resources.files("streetclip.captions") / "templates" / f"{name_or_path}.yaml"
        return name_or_path, entry.read_bytes()
    path = Path(name_or_path)
    if not path.is_file():
        raise TemplateError(name_or_path, [_not_found(name_or_path)])
    return path.stem, path.read_bytes()


def _not_found(name: str) -> str:
    near = get_close_matches(name, shipped_templates(), 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no such file, and shipped are only {', '.join(shipped_templates())}{hint}"


def _digest(raw: bytes) -> str:
    tables = json.dumps(
        [SYNTHESIS_VERSION, countries_digest(), sorted(CLIMATE_NAMES.items())], ensure_ascii=False
    )
    return hashlib.sha256(raw + b"\0" + tables.encode()).hexdigest()
