"""The options of an experiment, one sentence each; `--print-config` shows them as they are here.

OmegaConf builds its configs from these classes, so the annotations keep to what it knows: plain
types, `None`, `list`, `dict` and nested dataclasses. What a value may be beyond its type stands in
the field's metadata, where `config/load.py` finds it.
"""

from dataclasses import dataclass, field

from streetclip.config.bounds import between, one_of
from streetclip.config.data import DataConfig


@dataclass
class LoraConfig:
    """LoRA (arXiv 2106.09685): towers stay as they are; thin products are trained."""

    rank: int | None = between(None, 1)
    """Rank of the products, such as 16; None trains none."""
    alpha: float | None = between(None, 0.001)
    """Products weigh alpha / rank; None takes the rank."""
    dropout: float = between(0.0, 0.0, 0.99)
    """Share of a matrix's inputs that its product does not see in a pass of training."""
    towers: list[str] = field(default_factory=lambda: ["image", "text"])
    """Any of `image`, `text`; a tower that is not named is trained as the other options say."""


@dataclass
class ModelConfig:
    """The two towers."""

    name: str = "ViT-B-32"
    """A model of open_clip, a configuration file (.json), or `hf:FOLDER` with its weights."""
    pretrained: str | None = None
    """A tag that open_clip knows (needs its hub), or the path of a weight file."""
    start_from: str | None = None
    """One of our checkpoints, or its URL, to take the weights from, instead of `pretrained`."""
    lock_image: bool = False
    """Do not train the image tower."""
    lock_text: bool = False
    """Do not train the text tower."""
    last_blocks_image: int | None = between(None, 1)
    """Train only so many last blocks of the image tower, and what is behind them; None: all."""
    last_blocks_text: int | None = between(None, 1)
    """The same of the text tower."""
    lora: LoraConfig = field(default_factory=LoraConfig)
    """Products that are trained instead of towers."""
    gradient_checkpointing: bool = False
    """Recompute activations: less memory, more time."""
    compile: bool = False
    """Compile the towers' blocks (torch.compile): faster on a GPU after the first, slow steps."""


@dataclass
class LossConfig:
    """The contrastive loss."""

    kind: str = one_of("clip", "multi_positive", "siglip")
    """`clip`, `multi_positive` (equal captions are equally right), or `siglip` (pair by pair)."""
    negatives: str = one_of("global", "local")
    """`global`: pairs of all ranks are compared; `local`: those of one rank, in the same pass."""
    max_logit_scale: float = between(100.0, 1.0)
    """The logit scale is kept between 1 and this."""


@dataclass
class AccumulateConfig:
    """How several passes (`data.micro_batch_size`) make the gradient of one step."""

    mode: str = one_of("cached", "plain")
    """`cached`: one loss over all passes, exactly; `plain`: one in each, with fewer negatives."""


@dataclass
class OptimConfig:
    """AdamW and its schedule."""

    lr: float = between(1.0e-6, 0.0)
    """Peak learning rate."""
    weight_decay: float = between(1.0e-3, 0.0)
    """Decay of weight matrices; gains, biases and the logit scale have none."""
    beta1: float = between(0.9, 0.0, 1.0)
    """Decay of the gradient's mean."""
    beta2: float = between(0.98, 0.0, 1.0)
    """Decay of the gradient's square."""
    eps: float = between(1.0e-6, 0.0)
    """Added to the root of the square."""
    warmup_steps: int | None = between(None, 0)
    """Steps of linear warm-up; None takes `warmup_share`."""
    warmup_share: float = between(0.02, 0.0, 1.0)
    """Warm-up as a share of all steps."""
    schedule: str = one_of("linear", "cosine", "constant")
    """`linear` or `cosine` decay to 0 over the run, or `constant`."""
    layer_decay: float = between(1.0, 0.01, 1.0)
    """The learning rate of a block is this times that of the block behind it; 1 has one for all."""
    clip_norm: float | None = between(1.0, 0.0)
    """Gradients are scaled down to this norm; None does not clip."""
    ema_decay: float | None = between(None, 0.0, 1.0)
    """Average the weights with this decay, and evaluate and export the average."""


@dataclass
class TrainerConfig:
    """Passed on to Lightning's Trainer."""

    accelerator: str = "auto"
    """`auto`, `cpu`, `gpu`, ..."""
    devices: str = "auto"
    """`auto` or a number of devices (processes, on CPU) a node."""
    num_nodes: int = between(1, 1)
    """Machines."""
    strategy: str = "ddp"
    """How several devices share a step; only `ddp`: each holds the whole model."""
    precision: str = one_of("auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true")
    """`auto` is `bf16-mixed` on a CUDA device that has it, else `32-true`; a run notes which."""
    max_epochs: int = between(3, 1)
    """Passes over the shard set."""
    max_steps: int = between(-1, -1)
    """Optimiser steps after which the run ends; -1 is no limit."""
    deterministic: bool = True
    """Use deterministic kernels only."""
    log_every_n_steps: int = between(1, 1)
    """Steps between two rows of the log."""
    loggers: list[str] = field(default_factory=lambda: ["csv", "tensorboard"])
    """Any of `csv`, `tensorboard`."""
    progress: bool = True
    """Show a progress bar."""


@dataclass
class CheckpointConfig:
    """What is kept of a run."""

    every_n_steps: int = between(500, 1)
    """Optimiser steps between two checkpoints inside an epoch; each epoch's end has its own."""
    every_n_minutes: float | None = between(20.0, 0.0)
    """Minutes after which a checkpoint is due besides; None goes by steps alone."""
    keep: int = between(2, 2)
    """Newest checkpoints kept, 2 or more."""
    monitor: str | None = "zeroshot/val/country_accuracy"
    """A logged name; the checkpoint with its best value is kept besides. None keeps none."""
    mode: str = one_of("max", "min")
    """Whether `max` or `min` of the monitored value is best."""


@dataclass
class ProbeConfig:
    """Photographs with general labels, of which a run watches what it forgets."""

    source: str | None = None
    """A folder of subfolders named by label, or a table `image,label`; None watches nothing."""
    templates: list[str] = field(default_factory=lambda: ["a photo of a {label}."])
    """Prompts for a label, each with `{label}` in it; their features are averaged."""


@dataclass
class EvaluationConfig:
    """Hierarchical zero-shot evaluation during training."""

    protocol: str = "streetclip"
    """Name of a shipped protocol, or path of one."""
    sets: dict[str, str] = field(default_factory=dict)
    """Further named sets besides `val`: name to shard set, or its URL."""
    every_n_steps: int | None = between(None, 1)
    """Also evaluate every so many steps; None only before the first and after each epoch."""
    batch_size: int = between(128, 1)
    """Photographs, and prompts, in one pass of the model."""
    max_photos: int | None = between(None, 1)
    """Evaluate only the first so many photographs of a set; None takes all."""
    bootstrap: int = between(1000, 10)
    """Resamples for the 95 % intervals."""
    probe: ProbeConfig = field(default_factory=ProbeConfig)
    """What the run shall not forget, see docs/forgetting.md."""


@dataclass
class Experiment:
    """One experiment file of `experiments/pretrain/`."""

    name: str = "pretrain"
    """Names the folder of its runs; the file's own name if the file does not set it."""
    seed: int = 42
    """Decides the order of photographs, captions, augmentation, new weights and dropout."""
    runs_dir: str = "runs"
    """Where runs are written, each in a new folder of its own."""
    data: DataConfig = field(default_factory=DataConfig)
    """Photographs."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Towers."""
    loss: LossConfig = field(default_factory=LossConfig)
    """Loss."""
    accumulate: AccumulateConfig = field(default_factory=AccumulateConfig)
    """Passes of a step."""
    optim: OptimConfig = field(default_factory=OptimConfig)
    """Optimiser."""
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    """Lightning."""
    checkpoint: CheckpointConfig = field(default_factory=CheckpointConfig)
    """Checkpoints."""
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    """Evaluation."""
