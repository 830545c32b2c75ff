"""What is needed to build a model again, as plain types that a checkpoint can hold."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from streetclip.errors import ModelError
from streetclip.records import Preprocess

CLIP_VOCABULARY = 49408
"""Size of the byte-pair vocabulary of CLIP's own tokenizer."""

OPENAI_MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Source: the preprocessing of the CLIP release; open_clip takes it where a model says nothing."""
OPENAI_STD = (0.26862954, 0.26130258, 0.27577711)
"""Source: as `OPENAI_MEAN`."""


@dataclass(frozen=True, slots=True)
class BackboneSpec:
    """Everything about a model except its weights.

    Args:
        name: As the user typed it: a model of open_clip or the path of a configuration file.
        config: The arguments of open_clip's model class, including `quick_gelu`.
        preprocess: Size, mean and standard deviation of its images.

    Example:
        >>> config = {"embed_dim": 8, "vision_cfg": {"image_size": 32}, "text_cfg": {}}
        >>> spec = spec_of("tiny", config)
        >>> BackboneSpec.from_plain(spec.to_plain()) == spec
        True
        >>> spec.context_length, spec.quick_gelu, spec.preprocess.height
        (77, False, 32)
    """

    name: str
    config: dict[str, Any]
    preprocess: Preprocess

    @property
    def quick_gelu(self) -> bool:
        """Whether the activation is the sigmoid form that OpenAI's weights need."""
        return bool(self.config.get("quick_gelu", False))

    @property
    def context_length(self) -> int:
        """Tokens of the longest caption, with start and end."""
        return int(self.config["text_cfg"].get("context_length", 77))

    def to_plain(self) -> dict[str, Any]:
        """The same as nested dicts and lists, without classes of ours."""
        plain = json.loads(json.dumps(asdict(self)))
        assert isinstance(plain, dict)
        return plain

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> "BackboneSpec":
        """The inverse of `to_plain`.

        Raises:
            ModelError: A part is missing or has another form.
        """
        try:
            numbers = plain["preprocess"]
            preprocess = Preprocess(
                height=int(numbers["height"]),
                width=int(numbers["width"]),
                mean=_three(numbers["mean"]),
                std=_three(numbers["std"]),
            )
            return cls(str(plain["name"]), dict(plain["config"]), preprocess)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError("the description of the model is incomplete", got=error) from error


def spec_of(
    name: str, config: Mapping[str, Any], *, preprocess: Mapping[str, Any] | None = None
) -> BackboneSpec:
    """The specification of a configuration in open_clip's form.

    Args:
        name: What the model is called.
        config: With `embed_dim`, `vision_cfg` and `text_cfg`.
        preprocess: With `mean` and `std`; OpenAI's numbers where they are not given.

    Returns:
        A specification whose configuration shares nothing with `config`.

    Raises:
        ModelError: The configuration asks for something that cannot be built here.
    """
    plain = json.loads(json.dumps(dict(config)))
    missing = [key for key in ("embed_dim", "vision_cfg", "text_cfg") if key not in plain]
    if missing:
        raise ModelError(
            f"the configuration of model '{name}' is incomplete",
            got=f"no {', '.join(missing)}",
            allowed="a JSON object with embed_dim, vision_cfg and text_cfg, as open_clip has them",
        )
    _refuse_unsupported(name, plain)
    size = plain["vision_cfg"].get("image_size", 224)
    height, width = size if isinstance(size, list) else (size, size)
    numbers = preprocess or {}
    return BackboneSpec(
        name,
        plain,
        Preprocess(
            height=int(height),
            width=int(width),
            mean=_three(numbers.get("mean", OPENAI_MEAN)),
            std=_three(numbers.get("std", OPENAI_STD)),
        ),
    )


def read_spec(path: Path) -> BackboneSpec:
    """The specification in a configuration file.

    Args:
        path: A `.json` file in open_clip's form, bare or under `model_cfg` beside `preprocess_cfg`.

    Returns:
        The specification, named by the path.

    Raises:
        ModelError: The file is missing, no JSON, or asks for something that cannot be built here.
    """
    if not path.is_file():
        raise ModelError(f"no model configuration file '{path}'", remedy="check the path")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"model configuration '{path}' is no JSON file", got=error) from error
    if not isinstance(content, dict):
        raise ModelError(f"model configuration '{path}' holds no JSON object", got=type(content))
    return spec_of(
        str(path), content.get("model_cfg", content), preprocess=content.get("preprocess_cfg")
    )


def _refuse_unsupported(name: str, config: Mapping[str, Any]) -> None:
    text = config["text_cfg"]
    for key in ("hf_tokenizer_name", "hf_model_name"):
        if text.get(key):
            raise ModelError(
                f"model '{name}' needs {key}={text[key]} of a hub",
                allowed="models with CLIP's own tokenizer and text tower",
                remedy="choose a model such as ViT-B-32",
            )
    if text.get("vocab_size", CLIP_VOCABULARY) != CLIP_VOCABULARY:
        raise ModelError(
            f"model '{name}' has a vocabulary of another tokenizer",
            got=text["vocab_size"],
            allowed=CLIP_VOCABULARY,
        )
    if "multimodal_cfg" in config:
        raise ModelError(f"model '{name}' also writes captions (CoCa)", allowed="two-tower models")


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third
