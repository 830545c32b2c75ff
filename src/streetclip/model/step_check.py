"""What cannot be, and what is worth knowing, about the passes and negatives of a step."""

import math
from collections.abc import Sequence

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from streetclip.errors import ConfigError, PlanError
from streetclip.model.accumulate import Mode
from streetclip.model.loss import Negatives


def check_step(
    *,
    clip_norm: float | None,
    micro_batch_size: int | None,
    max_logit_scale: float,
    accumulate: str,
    negatives: str,
) -> None:
    """Refuse values of a step that are impossible, alone or together.

    Args:
        clip_norm: Above 0, or None.
        micro_batch_size: 1 or more, or None.
        max_logit_scale: 1 or more.
        accumulate: `cached` or `plain`.
        negatives: `global` or `local`.

    Raises:
        ConfigError: With all problems together.
    """
    problems = []
    if clip_norm is not None and not clip_norm > 0:
        problems.append(
            f"optim.clip_norm is {clip_norm}; allowed: above 0, or null for no clipping"
        )
    if micro_batch_size is not None and micro_batch_size < 1:
        problems.append(f"data.micro_batch_size is {micro_batch_size}; allowed: 1 or more, or null")
    if not 1 <= max_logit_scale < math.inf:
        problems.append(f"loss.max_logit_scale is {max_logit_scale}; allowed: 1 or more")
    if accumulate not in ("cached", "plain"):
        problems.append(f"accumulate.mode is '{accumulate}'; allowed: cached, plain")
    problems += contradictions(accumulate, negatives=negatives, micro_batch_size=micro_batch_size)
    if problems:
        raise ConfigError("the training step", problems)


def contradictions(accumulate: str, *, negatives: str, micro_batch_size: int | None) -> list[str]:
    """Options that cannot both be kept.

    `local` promises the negatives of one pass, `cached` those of all passes: whichever won, the
    gradient would not be that of the loss that the other one names.

    Args:
        accumulate: `cached` or `plain`.
        negatives: `global` or `local`.
        micro_batch_size: Rows in a pass; None takes all at once.

    Example:
        >>> contradictions("cached", negatives="local", micro_batch_size=None)
        []
        >>> contradictions("cached", negatives="local", micro_batch_size=32)[0][:49]
        'loss.negatives=local compares within a pass of 32'
    """
    if accumulate != "cached" or negatives != "local" or micro_batch_size is None:
        return []
    problem = (
        f"loss.negatives=local compares within a pass of {micro_batch_size} pairs, and "
        "accumulate.mode=cached across all passes of a step; set loss.negatives=global, or "
        "accumulate.mode=plain, or unset data.micro_batch_size"
    )
    return [problem]


def check_first_step(
    rows_of_ranks: Sequence[int],
    model: nn.Module,
    *,
    micro_batch_size: int | None,
    accumulate: Mode,
    negatives: Negatives,
) -> list[str]:
    """What a user may not expect of the steps of a run.

    Args:
        rows_of_ranks: Pairs of the first batch, on each rank.
        model: The towers, in the mode in which they are trained.
        micro_batch_size: Rows in a pass; None takes all at once.
        accumulate: `cached` or `plain`.
        negatives: `global` or `local`.

    Returns:
        Sentences, for a log.

    Raises:
        PlanError: Ranks have batches of different sizes; the mean of their means would not be that
            of the batch.

    Example:
        >>> plain = {"micro_batch_size": 32, "accumulate": "plain", "negatives": "global"}
        >>> print(*check_first_step([384] * 3, nn.LayerNorm(1), **plain))
        accumulate.mode=plain takes a loss in each of 12 passes: a photograph is compared with 95 \
other captions, and not with the 1151 of its batch; accumulate.mode=cached compares with all
    """
    if len(set(rows_of_ranks)) > 1:
        raise PlanError(
            "the ranks have batches of different sizes",
            got=", ".join(map(str, rows_of_ranks)),
            allowed="as many pairs on every rank",
            remedy="take a data.batch_size that the number of ranks divides",
        )
    rows, ranks = rows_of_ranks[0], len(rows_of_ranks)
    if micro_batch_size is None or micro_batch_size >= rows:
        return []
    sentences = []
    if accumulate == "plain":
        seen = micro_batch_size * (ranks if negatives == "global" else 1) - 1
        sentences.append(
            f"accumulate.mode=plain takes a loss in each of {math.ceil(rows / micro_batch_size)} "
            f"passes: a photograph is compared with {seen} other captions, and not with the "
            f"{rows * ranks - 1} of its batch; accumulate.mode=cached compares with all"
        )
    if any(isinstance(part, _BatchNorm) and part.training for part in model.modules()):
        sentences.append(
            f"batch normalization sees the {micro_batch_size} photographs of one pass: gradients "
            f"are those of such a model, not of one that sees all {rows} of a rank at once"
        )
    return sentences
