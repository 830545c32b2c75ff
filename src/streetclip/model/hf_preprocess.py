"""What transformers' `CLIPImageProcessor` does to a photograph, and whether it is what we do.

Ours is fixed: the shorter side is resized to the model's size (bicubic, antialiased), the middle
is cut out, 0 to 255 becomes 0 to 1, and mean and standard deviation are taken off. A file that asks
for something else would give other features, and is refused.

Source: keys and defaults of `CLIPImageProcessor` in transformers 5.24.
"""

import math
from collections.abc import Mapping
from typing import Any

from streetclip.model.spec import OPENAI_MEAN, OPENAI_STD
from streetclip.records import Preprocess

BICUBIC = 3
"""Pillow's number of the filter."""

DEFAULTS: Mapping[str, Any] = {
    "do_resize": True,
    "size": {"shortest_edge": 224},
    "resample": BICUBIC,
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": list(OPENAI_MEAN),
    "image_std": list(OPENAI_STD),
}
_STEPS = ("do_resize", "do_center_crop", "do_rescale", "do_normalize")


def read_preprocess(
    config: Mapping[str, Any] | None, image_size: int
) -> tuple[dict[str, Any], list[str]]:
    """Mean and standard deviation of a `preprocessor_config.json`, and what differs from ours.

    Args:
        config: The JSON object; None where there is no file: OpenAI's numbers.
        image_size: Pixels of a side that the model takes.

    Returns:
        `mean` and `std`, and one sentence a difference.

    Example:
        >>> read_preprocess({"size": 224, "crop_size": 224, "resample": 2}, 224)[1]
        ['resample is 2; allowed: 3 (bicubic)']
    """
    if config is None:
        return {"mean": OPENAI_MEAN, "std": OPENAI_STD}, []
    given = {**DEFAULTS, **{key: value for key, value in config.items() if value is not None}}
    problems = [f"{step} is {given[step]!r}; allowed: true" for step in _STEPS if not given[step]]
    if _shortest(given["size"]) != image_size:
        problems.append(f"size is {given['size']!r}; allowed: the shorter side, {image_size}")
    if _sides(given["crop_size"]) != (image_size, image_size):
        problems.append(
            f"crop_size is {given['crop_size']!r}; allowed: {image_size} x {image_size}"
        )
    if given["resample"] != BICUBIC:
        problems.append(f"resample is {given['resample']!r}; allowed: {BICUBIC} (bicubic)")
    factor = given["rescale_factor"]
    if not isinstance(factor, int | float) or not math.isclose(factor, 1 / 255, rel_tol=1e-4):
        problems.append(f"rescale_factor is {factor!r}; allowed: 1/255")
    problems += [
        f"{name} is {given[name]!r}; allowed: three numbers{more}"
        for name, more in (("image_mean", ""), ("image_std", " above 0"))
        if not _is_three(given[name], positive=bool(more))
    ]
    return {"mean": given["image_mean"], "std": given["image_std"]}, problems


def preprocess_config(preprocess: Preprocess) -> dict[str, Any]:
    """The `preprocessor_config.json` of a square model.

    Args:
        preprocess: Size, mean and standard deviation.
    """
    return {
        **DEFAULTS,
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "size": {"shortest_edge": preprocess.height},
        "crop_size": {"height": preprocess.height, "width": preprocess.width},
        "image_mean": list(preprocess.mean),
        "image_std": list(preprocess.std),
    }


def _shortest(size: Any) -> Any:
    if isinstance(size, Mapping):
        return size.get("shortest_edge") if set(size) == {"shortest_edge"} else None
    return size


def _sides(size: Any) -> tuple[Any, Any]:
    if isinstance(size, Mapping):
        return size.get("height"), size.get("width")
    return size, size


def _is_three(values: Any, *, positive: bool) -> bool:
    return (
        isinstance(values, list | tuple)
        and len(values) == 3
        and all(isinstance(value, int | float) and math.isfinite(value) for value in values)
        and (not positive or all(value > 0 for value in values))
    )
