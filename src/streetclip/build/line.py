"""The models on the line between two: loaded by their place on it, and kept as checkpoints."""

from functools import cached_property
from pathlib import Path
from typing import Any

from streetclip.build.model import is_checkpoint, named_backbone
from streetclip.build.plan import PlannedModel
from streetclip.build.provenance import facts_of
from streetclip.errors import ModelError
from streetclip.model.backbone import Backbone
from streetclip.model.interpolate import check_alike, interpolated
from streetclip.model.weights import ENTRY, PREFIX, describe_weights, weights_digest
from streetclip.training.checkpoint_io import RUN_KEY, AtomicCheckpointIO

_LABEL = "alpha-"


def alpha_label(alpha: float) -> str:
    """What results and files call a model of the line.

    Args:
        alpha: 0 to 1, with six digits at most.

    Example:
        >>> alpha_label(0.25), alpha_label(1.0)
        ('alpha-0.25', 'alpha-1')
    """
    return f"{_LABEL}{alpha:.6g}"


class Line:
    """Two models and what lies between them; both are loaded once, when they are needed.

    Args:
        start: As `named_backbone` takes it, on this machine.
        tuned: Likewise.
    """

    def __init__(self, start: str, tuned: str) -> None:
        self._start_name = start
        self._tuned_name = tuned

    @cached_property
    def start(self) -> Backbone:
        """The model at 0."""
        return named_backbone(self._start_name).eval()

    @cached_property
    def tuned(self) -> Backbone:
        """The model at 1."""
        return named_backbone(self._tuned_name).eval()

    def check(self, names: tuple[str, str]) -> None:
        """Refuse models between which there is no line, or nothing.

        Args:
            names: As the user named the two.

        Raises:
            ModelError: They differ in more than the values of their weights, or in nothing.
        """
        check_alike(self.start, self.tuned, names)
        if weights_digest(self.start) == weights_digest(self.tuned):
            raise ModelError(
                f"{names[0]} and {names[1]} are the same weights",
                remedy="name the model that training began with, and the one that it made",
            )

    def planned(self, alpha: float) -> PlannedModel:
        """A model of the line, as a plan names it.

        What training has shown is that of the tuned model, except at the start itself.

        Args:
            alpha: 0 to 1.
        """
        name = self._tuned_name if alpha > 0 else self._start_name
        digest = weights_digest(interpolated(self.start, self.tuned, alpha))
        return PlannedModel(name, alpha_label(alpha), digest)

    def alpha(self, model: PlannedModel) -> float:
        """Where a model of the plan lies.

        Args:
            model: From `planned`.
        """
        return float(model.label.removeprefix(_LABEL))

    def load(self, model: PlannedModel) -> Backbone:
        """A model of the plan, whose weights must still be those that were looked at.

        Args:
            model: From `planned`.

        Raises:
            ModelError: Another file lies in the place of the weights of an end.
        """
        backbone = interpolated(self.start, self.tuned, self.alpha(model))
        if weights_digest(backbone) != model.digest:
            raise ModelError(
                "the weights of an end of the line were replaced since the command began",
                remedy="start it again, and leave the files alone meanwhile",
            )
        return backbone

    def save(self, model: PlannedModel, path: Path) -> None:
        """Keep a model as a checkpoint that every command takes as a model.

        What the tuned model's checkpoint says of its run is kept in it; there is nothing in it that
        a run could be resumed from.

        Args:
            model: From `planned`.
            path: The file; one that is there is replaced.

        Raises:
            StorageError: It cannot be written.
        """
        backbone = self.load(model)
        state = {f"{PREFIX}{name}": value for name, value in backbone.state_dict().items()}
        facts: dict[str, Any] = {}
        if is_checkpoint(self._tuned_name) and self.alpha(model) > 0:
            facts = facts_of(Path(self._tuned_name))
        facts = {key: value for key, value in facts.items() if key != "logs"}
        steps = facts.pop("steps", 0)
        facts["interpolated"] = {
            "alpha": self.alpha(model),
            "start": weights_digest(self.start),
            "tuned": weights_digest(self.tuned),
        }
        content = {
            "state_dict": state,
            ENTRY: describe_weights(backbone.spec, state),
            RUN_KEY: facts,
            "global_step": steps,
        }
        AtomicCheckpointIO().save_checkpoint(content, path)
