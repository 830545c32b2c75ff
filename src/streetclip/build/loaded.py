"""A model that a benchmark measures, loaded, and what is known of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from streetclip.build.model import is_checkpoint, named_backbone
from streetclip.build.plan import PlannedModel
from streetclip.errors import ModelError
from streetclip.evaluation.predictions import SeenPlaces
from streetclip.model.backbone import Backbone, complete_config
from streetclip.model.weights import weights_digest
from streetclip.training.checkpoint_io import RUN_KEY, read_checkpoint


def loaded(model: PlannedModel) -> Backbone:
    """The model of a plan, whose weights must still be those that were looked at.

    Features are kept under the digest of the weights, so it must be that of these.

    Args:
        model: Of the plan.

    Raises:
        ModelError: Another file lies in the place of the weights.
    """
    backbone = named_backbone(model.name)
    if weights_digest(backbone) != model.digest:
        raise ModelError(
            f"the weights of {model.label} were replaced since the benchmark began",
            remedy="start it again, and leave the file alone meanwhile",
        )
    return backbone


def feature_facts(
    backbone: Backbone, digest: str, *, precision: str, device: str
) -> Mapping[str, Any]:
    """All that decides the features of a photograph or a text beside itself.

    Args:
        backbone: The model.
        digest: Of its weights.
        precision: That it computes in.
        device: Kind of device that it computes on.

    Returns:
        Plain values. The digest of weights says nothing of the architecture, such as the
        activation. Another kind of device rounds otherwise; how many photographs go through
        together changes the last bits only.
    """
    return {
        "weights": digest,
        "architecture": complete_config(backbone.spec),
        "precision": precision,
        "device": device,
    }


def trained_on(model: str) -> SeenPlaces | None:
    """What training has shown to one of our checkpoints; None of other models.

    Args:
        model: As the user named it.
    """
    if not is_checkpoint(model):
        return None
    facts = read_checkpoint(Path(model)).get(RUN_KEY, {})
    if facts.get("countries") is None:
        return None
    return SeenPlaces(frozenset(facts["countries"]), frozenset(facts["towns"]))
