"""Benchmark runs, from options to result folders: each model on each set under each protocol."""

from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from streetclip.build.compare import against_first
from streetclip.build.devices import launched, on_device
from streetclip.build.measuring import Session
from streetclip.build.model import named_backbone
from streetclip.build.plan import Plan
from streetclip.build.readiness import feature_cache, make_plan
from streetclip.config.benchmark import BenchmarkConfig
from streetclip.evaluation.result import Result
from streetclip.evaluation.run import Questions, ask
from streetclip.model.backbone import Backbone
from streetclip.report.comparison_files import write_comparisons
from streetclip.report.published import published_rows
from streetclip.report.side_by_side import SetTable, set_tables, write_tables
from streetclip.report.write import REPORT_FILE
from streetclip.shards.progress import progress_bars
from streetclip.training.launch import decide
from streetclip.zeroshot.protocol import load_protocol


@dataclass(frozen=True)
class Benchmark:
    """What came out of a call.

    Args:
        out: The output folder.
        results: Set by set, in each model by model, each with its folder.
    """

    out: Path
    results: tuple[tuple[Path, Result], ...]

    @property
    def result(self) -> Result:
        """The first result, which is the only one of a call that asked for one."""
        return self.results[0][1]

    @property
    def tables(self) -> list[SetTable]:
        """The results side by side, one table a set, beside what others report."""
        return set_tables(
            [result for _, result in self.results],
            links=[f"{folder.name}/{REPORT_FILE}" for folder, _ in self.results],
            published={
                result.set_name.lower(): published_rows(result.set_name)
                for _, result in self.results
            },
        )


def benchmark(options: BenchmarkConfig, *, progress: bool = True) -> Benchmark:
    """Measure models and write their result folders, on every process that takes part.

    Args:
        options: What the user gave; without a model the newest run's last checkpoint is measured,
            without data its validation photographs, without a protocol its own.
        progress: Show progress bars.

    Returns:
        The results and their folders; those that an earlier call has finished are read.

    Raises:
        InputError: Something is missing or does not fit; nothing has been computed then.
    """
    plan = Plan.from_plain(
        decide("benchmark", lambda: asdict(make_plan(options, progress=progress)))
    )
    fabric = launched(options)
    is_first = fabric.global_rank == 0
    show = progress and is_first and Console(stderr=True).is_terminal
    with progress_bars(show=show) as on_progress:
        return measured(Session(options, plan, fabric, feature_cache(options), on_progress))


def measured(session: Session) -> Benchmark:
    """Measure all combinations of a plan, and lay them side by side.

    Args:
        session: Of this process.

    Returns:
        The results and their folders.
    """
    plan, found = session.plan, session.run()
    done = Benchmark(
        Path(plan.out), tuple((item.folder, found[item.folder]) for item in plan.combinations)
    )
    if session.processes.rank == 0 and len(done.results) > 1:
        write_tables(done.tables, [result for _, result in done.results], done.out)
        if comparisons := against_first([folder for folder, _ in done.results]):
            write_comparisons(comparisons, done.out)
    return done


def questions_for(model: str, protocol: str) -> tuple[Backbone, Questions]:
    """A model in evaluation mode and the text bank of a protocol, to predict with.

    Args:
        model: One of our checkpoints, its URL, or `open_clip:MODEL:TAG_OR_PATH`.
        protocol: A name or a YAML file.
    """
    chosen = load_protocol(protocol)
    backbone = on_device(named_backbone(model), "auto")
    return backbone, ask(backbone, chosen)
