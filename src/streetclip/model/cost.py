"""What a pair costs a model, in arithmetic and in memory, counted without computing anything.

The towers run on fake tensors: shapes and types without numbers, so that a ViT-L is counted in a
second or two on any machine. Floating-point operations are those of the convolutions, matrix
products and attentions that really run, which includes what gradient checkpointing computes again
and leaves out what a locked tower does not need. Activations are all that a pass holds at its
highest and that grows with its pairs: what autograd keeps, and what is needed for a moment.
"""

import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import functional as F
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from streetclip.model.backbone import Backbone
from streetclip.model.depth import Tower, tower_of

LONGEST_CAPTION = 40
"""Tokens of the longest captions that the shipped templates write; a batch is padded to its own."""


_ROWS = 4
"""Pairs of the smaller of two passes that are compared."""


@dataclass(frozen=True)
class Cost:
    """What one pair costs, and what the model costs without any.

    Args:
        parameters: Of both towers.
        trained: Those of them that have a gradient.
        bytes_per_parameter: 4, or 2 where the weights themselves are kept in half precision.
        cast_bytes: Half-precision copies of the weights that a step in mixed precision makes.
        image_flops: Forward pass of an image.
        text_flops: Forward pass of a caption of `tokens` tokens.
        pass_flops: Forward and backward pass of a pair.
        again_flops: Forward pass of a pair through what is trained of the two towers, which cached
            accumulation computes once more.
        activation_bytes: Held of each pair while a pass is at its highest.
        tokens: Length of the captions.
    """

    parameters: int
    trained: int
    bytes_per_parameter: int
    cast_bytes: int
    image_flops: int
    text_flops: int
    pass_flops: int
    again_flops: int
    activation_bytes: int
    tokens: int


def count_cost(backbone: Backbone, *, tokens: int, precision: str = "32-true") -> Cost:
    """Count what a pair costs a model.

    Args:
        backbone: The towers, locked and checkpointed as they are trained. Its weights are replaced
            by fake ones, so give it one that was made on the device "meta".
        tokens: Length of the captions; at most the model's context.
        precision: Of the Trainer, such as `bf16-mixed`.

    Example:
        >>> from streetclip.model.backbone import create_backbone
        >>> with torch.device("meta"):
        ...     model = create_backbone("experiments/models/quickstart.json")
        >>> f"{count_cost(model, tokens=40).image_flops / 1e6:.1f} MFLOP"
        '32.8 MFLOP'
    """
    is_mixed = precision.endswith("-mixed")
    # Fake tensors bring a stand-in for CUDA devices where there are none. If autograd saw it in its
    # first backward pass it would start threads, and no process forked later could train.
    torch.zeros((), requires_grad=True, device="cpu").backward()  # type: ignore[no-untyped-call]
    with FakeTensorMode():
        _make_fake(backbone, torch.bfloat16 if precision == "bf16-true" else torch.float32)
        plain, mixed = (_Towers(backbone, tokens, is_mixed=given) for given in (False, is_mixed))
        # The arithmetic is the same in all precisions.
        image_flops = _flops(lambda: plain.image(1))
        text_flops = _flops(lambda: plain.text(1))
        pass_flops = _flops(lambda: plain.one_pass(1))
        # What does not grow with the rows falls out: casts of weights, and gradients.
        growth = zip(mixed.held(_ROWS), mixed.held(2 * _ROWS), strict=True)
        activation_bytes = max(more - less for less, more in growth) // _ROWS
    sizes = {parameter: parameter.numel() for parameter in backbone.parameters()}
    trained = {p: size for p, size in sizes.items() if p.requires_grad}
    return Cost(
        parameters=sum(sizes.values()),
        trained=sum(trained.values()),
        bytes_per_parameter=2 if precision == "bf16-true" else 4,
        # Vectors stay in fp32: no product takes them.
        cast_bytes=sum(2 * size for p, size in trained.items() if p.ndim > 1) if is_mixed else 0,
        image_flops=image_flops,
        text_flops=text_flops,
        pass_flops=pass_flops,
        again_flops=image_flops * _is_trained(backbone, "image")
        + text_flops * _is_trained(backbone, "text"),
        activation_bytes=activation_bytes,
        tokens=tokens,
    )


@dataclass(frozen=True)
class _Towers:
    backbone: Backbone
    tokens: int
    is_mixed: bool

    def image(self, rows: int) -> Tensor:
        shape = self.backbone.preprocess
        pixels = torch.empty(rows, 3, shape.height, shape.width, dtype=torch.uint8)
        return self.backbone.encode_image(pixels)

    def text(self, rows: int) -> Tensor:
        return self.backbone.encode_text(torch.empty(rows, self.tokens, dtype=torch.int64))

    def one_pass(self, rows: int) -> None:
        with self._precision():
            (self.image(rows).sum() + self.text(rows).sum()).backward()  # type: ignore[no-untyped-call]

    def held(self, rows: int) -> list[int]:
        """The bytes that a pass holds after each of its operations, besides what was there."""
        self.backbone.zero_grad()
        held = _Held()
        with held:
            self.one_pass(rows)
        return held.bytes

    @contextmanager
    def _precision(self) -> Iterator[None]:
        with ExitStack() as stack:
            if self.is_mixed:
                stack.enter_context(torch.autocast("cpu", dtype=torch.bfloat16))
                stack.enter_context(_norms_in_fp32())
            yield


@contextmanager
def _norms_in_fp32() -> Iterator[None]:
    """Autocast on CUDA takes layer norms in fp32, and keeps that copy; on a CPU it does not.

    Not by a mode of torch, which would not reach what checkpointing computes again.
    """
    plain = F.layer_norm

    def in_fp32(values: Tensor, *args: Any, **options: Any) -> Tensor:
        return plain(values.float(), *args, **options)

    setattr(F, "layer_norm", in_fp32)  # noqa: B010 - mypy takes no assignment to a function
    try:
        yield
    finally:
        setattr(F, "layer_norm", plain)  # noqa: B010


class _Held(TorchDispatchMode):
    """Notes after each operation how many bytes are held; they are freed as on a device."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes: list[int] = []
        self._now = 0
        self._known: dict[StorageWeakRef, int] = {}

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for value in tree_leaves(out):
            if isinstance(value, Tensor):
                self._note(value.untyped_storage())
        self.bytes.append(self._now)
        return out

    def _note(self, memory: torch.UntypedStorage) -> None:
        key = StorageWeakRef(memory)  # type: ignore[no-untyped-call]
        if key not in self._known:
            self._known[key] = memory.nbytes()
            self._now += self._known[key]
            weakref.finalize(memory, self._free, key)

    def _free(self, key: StorageWeakRef) -> None:
        self._now -= self._known.pop(key)


def _make_fake(backbone: Backbone, dtype: torch.dtype) -> None:
    """Replaces the weights by fake ones on the CPU, where autocast and attention are as usual."""
    scale = backbone.log_logit_scale
    for module in backbone.modules():
        for name, old in list(module.named_parameters(recurse=False)):
            kind = torch.float32 if old is scale else dtype
            fake = nn.Parameter(torch.empty(old.shape, dtype=kind), requires_grad=old.requires_grad)
            setattr(module, name, fake)
        for name, buffer in list(module.named_buffers(recurse=False)):
            is_weight = buffer.is_floating_point() and name != "statistics"
            kind = dtype if is_weight else buffer.dtype
            setattr(module, name, torch.empty(buffer.shape, dtype=kind))


def _is_trained(backbone: Backbone, tower: Tower) -> bool:
    return any(
        parameter.requires_grad and tower_of(name) == tower
        for name, parameter in backbone.named_parameters()
    )


def _flops(work: Callable[[], object]) -> int:
    ours = {getattr(torch.ops.aten, name): count for name, count in _ATTENTIONS.items()}
    with FlopCounterMode(display=False, custom_mapping=ours) as counter:
        work()
    return int(counter.get_total_flops())


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    """Two products: queries with keys, and weights with values; takes shapes [b, heads, n, d]."""
    batch, heads, rows, width = query
    return int(2 * batch * heads * rows * key[2] * (width + value[3]))


def _attention_backward(_: Any, query: Any, key: Any, value: Any, *__: Any, **___: Any) -> int:
    """Two products for each of the forward pass; what a kernel computes again is not counted."""
    return 2 * _attention(query, key, value)


# torch itself counts the attentions of CUDA only.
_ATTENTIONS: dict[str, Callable[..., int]] = {
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward,
}
