"""The text tower on captions shorter than the model's context.

open_clip's class `CLIP` only takes token rows of the full context. Its attention is causal and
its feature is read at the end-of-text token, so that whatever stands behind that token changes
nothing: leaving it out is exact, and the shorter the captions the faster.
"""

from typing import Any, cast

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from streetclip.errors import ModelError

POOLED_AT_END = ("argmax", "eos")
"""open_clip's names for reading the feature at the end-of-text token."""


def takes_short_context(clip: nn.Module) -> bool:
    """Whether tokens behind the end of a caption can be left out of the forward pass."""
    return (
        hasattr(clip, "token_embedding")
        and getattr(clip, "attn_mask", None) is not None
        and getattr(clip, "text_pool_type", None) in POOLED_AT_END
    )


def text_features(clip: nn.Module, tokens: Int[Tensor, "p t"]) -> Float[Tensor, "p d"]:
    """Features of token rows of any length up to the context; not normalized.

    Args:
        clip: open_clip's `CLIP`, or a model whose `encode_text` takes rows of the full context.
        tokens: Start, caption, end, zeros.

    Returns:
        The projection of each row's feature, in the dtype of the tower.

    Raises:
        ModelError: The rows are longer than the model's context.
    """
    model = cast(Any, clip)
    context, length = int(model.context_length), tokens.shape[1]
    if length > context:
        raise ModelError("captions exceed the model's context", got=length, allowed=context)
    if length == context or not takes_short_context(clip):
        # Zero is what open_clip's tokenizers pad with.
        return cast(Tensor, model.encode_text(F.pad(tokens, (0, context - length))))
    dtype = model.transformer.get_cast_dtype()
    hidden = model.token_embedding(tokens).to(dtype)
    hidden = hidden + model.positional_embedding[:length].to(dtype)
    hidden = model.transformer(hidden, attn_mask=model.attn_mask[:length, :length])
    hidden = model.ln_final(_at_end(model, hidden, tokens))
    projection = model.text_projection
    if projection is None:
        return cast(Tensor, hidden)
    return cast(
        Tensor, projection(hidden) if isinstance(projection, nn.Linear) else hidden @ projection
    )


def _at_end(model: Any, hidden: Tensor, tokens: Tensor) -> Tensor:
    """The hidden state at the end-of-text token, which has the highest id of its row."""
    marks = tokens if model.text_pool_type == "argmax" else (tokens == model.text_eos_id).int()
    rows = torch.arange(len(tokens), device=tokens.device)
    return hidden[rows, marks.argmax(dim=-1)]
