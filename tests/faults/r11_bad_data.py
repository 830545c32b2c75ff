"""Injected: every bad or odd photograph, metadata and tar of `tests/badthings`, into runs that are
also killed, into the index, and into `streetclip shards verify`; and a byte of a photograph that is
flipped after its tar was indexed. Survived: in each epoch of a run the samples in `samples.jsonl`,
those in `quarantine.jsonl` and the tail are all samples of the set, what stands for a bad one is
the next good one of its shard, each bad one is listed once with its reason; a bad tar is refused
with its reason, or its good samples are taken and the others listed with theirs; verifying names
all of it, each bad tar with the code that is meant for it, and a clean copy has no problem.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from tests.badthings.images import BAD_IMAGES
from tests.badthings.metadata import BAD_METADATA
from tests.badthings.shardset import PLACE, good_sample, write_shards
from tests.badthings.tarbytes import GoodSample, plain
from tests.badthings.tars import BAD_TARS, BOMB_MARK, FLIPPED_DATA, BadTar
from tests.faults.accounting import account, mistakes
from tests.faults.cases import Case, run_cases
from tests.faults.commands import streetclip
from tests.faults.disturbed import finish, kill
from tests.faults.scale import Scale
from tests.faults.tally import Tally
from tests.forkedrun import TinyRun
from tests.killer import Kill

from streetclip.captions.template import load_template
from streetclip.data.usable import Usable
from streetclip.errors import SampleError, ShardError
from streetclip.shards.clean import clean
from streetclip.shards.index import index_shards
from streetclip.shards.layout import open_shard_set
from streetclip.shards.read import ShardReader
from streetclip.shards.verify import verify

EPOCHS = 2
GOOD = 24


def run(scale: Scale, work: Path) -> Tally:
    """Put bad things wherever they could come from."""
    image = good_sample(0).image
    pictures = [GoodSample(bad.name, bad.raw, PLACE) for bad in BAD_IMAGES]
    places = [GoodSample(f"json-{bad.name}", image, bad.raw) for bad in BAD_METADATA]
    reasons = {bad.name: bad.training_reason for bad in BAD_IMAGES}
    reasons |= {f"json-{bad.name}": bad.reason for bad in BAD_METADATA}
    refused = {key: reason for key, reason in reasons.items() if reason is not None}
    ranks = scale.pick(quick=(1,), short=(1, 2), full=(1, 2))
    chosen = scale.pick(quick=pictures[::6], short=pictures, full=pictures)
    cases = [_training("images", chosen, refused, ranks=number) for number in ranks]
    if scale is not Scale.QUICK:
        cases.append(_training("metadata", places, refused))
    tars = scale.pick(quick=BAD_TARS[::16], short=BAD_TARS, full=BAD_TARS)
    cases += [_tar(bad) for bad in tars]
    cases += [_verified_tar(bad) for bad in tars]
    cases.append(_flipped())
    if scale is Scale.FULL:
        cases.append(_verified([*pictures, *places], set(refused)))
        cases.append(_command([*pictures, *places]))
        cases += [_command_tar(bad) for bad in BAD_TARS[::12]]
    return run_cases(cases, work / "R11")


def _training(
    name: str, samples: Sequence[GoodSample], refused: dict[str, str], *, ranks: int = 1
) -> Case:
    """A run over good and bad samples that is killed on the way."""

    def work(folder: Path) -> Tally:
        shards = _shards(folder, samples)
        run = TinyRun(
            shards,
            folder / "run",
            epochs=EPOCHS,
            ranks=ranks,
            data={"quarantine": folder / "run" / "quarantine.jsonl"},
        )
        kill(run, Kill("batch", 5))
        finish(run)
        wrong = mistakes(run.folder, account(open_shard_set(shards), refused, EPOCHS))
        return _tally(len(samples), wrong, kills=1)

    return Case(f"{name}_of_{ranks}", work, faults=len(samples) + 1)


def _tar(bad: BadTar) -> Case:
    """A bad tar beside a good one, indexed, read, and never run."""

    def work(folder: Path) -> Tally:
        samples = [good_sample(number) for number in range(4)]
        _write_tars(folder, bad.make(samples))
        wrong = _taken(folder, bad, samples) if bad.error is None else _refused(folder, bad.error)
        if (folder / BOMB_MARK).exists() or Path(BOMB_MARK).exists():
            wrong.append("code of the tar was run")
        return _tally(1, wrong)

    return Case(f"tar_{bad.name}", work)


def _refused(folder: Path, words: str) -> list[str]:
    try:
        index_shards(folder)
    except ShardError as error:
        return [] if words in str(error) else [f"it is refused by other words: {error}"]
    return ["it is taken"]


def _taken(folder: Path, bad: BadTar, samples: Sequence[GoodSample]) -> list[str]:
    shards = index_shards(folder)
    reader = ShardReader(shards)
    places = [
        (shard, n) for shard, size in enumerate(shards.samples_per_shard) for n in range(size)
    ]
    keys = {reader.read(*place).key for place in places}
    expected = {"0009", *(bad.new_keys.get(n, samples[n].key) for n in bad.kept)}
    wrong = [] if keys == expected else [f"its samples are {keys ^ expected}"]
    table = folder / "rejected.csv"
    rows = list(csv.reader(table.open(newline=""))) if table.exists() else []
    listed = {row[0].removeprefix("0.tar").removeprefix("/"): row[1] for row in rows[1:]}
    return wrong if listed == bad.rejected else [*wrong, f"listed as bad are {listed}"]


def _verified_tar(bad: BadTar) -> Case:
    """A bad tar beside a good one, named beforehand."""

    def work(folder: Path) -> Tally:
        _write_tars(folder, bad.make([good_sample(number) for number in range(4)]))
        found = verify(folder, Usable(load_template("street")))
        return _tally(1, _not_named(bad, [(p.shard, p.key, p.reason) for p in found]))

    return Case(f"verified_{bad.name}", work)


def _not_named(bad: BadTar, named: Sequence[tuple[str, str, str]]) -> list[str]:
    """What verifying says that it should not, or fails to say."""
    wrong = [f"{shard} is named" for shard, _, _ in named if shard != "0.tar"]
    if bad.error is None:
        found = {key: reason for _, key, reason in named}
        return wrong if found == bad.rejected else [*wrong, f"named are {found}"]
    reasons = {reason for _, _, reason in named}
    return wrong if bad.reason in reasons else [*wrong, f"named are {reasons}, not {bad.reason}"]


def _command_tar(bad: BadTar) -> Case:
    """The same through the command."""

    def work(folder: Path) -> Tally:
        _write_tars(folder, bad.make([good_sample(number) for number in range(4)]))
        reasons = {bad.reason} if bad.error is not None else set(bad.rejected.values())
        printed = streetclip("shards", "verify", folder, code=2 if reasons else 0)
        wrong = [f"{reason} is not printed" for reason in reasons if str(reason) not in printed]
        return _tally(1, wrong)

    return Case(f"command_{bad.name}", work)


def _flipped() -> Case:
    """A byte of a photograph that is another one than when its tar was indexed."""

    def work(folder: Path) -> Tally:
        samples = [good_sample(number) for number in range(4)]
        _write_tars(folder, plain(samples))
        shards = index_shards(folder)
        (folder / "0.tar").write_bytes(FLIPPED_DATA(samples))
        named = verify(folder, Usable(load_template("street")))
        found = {(problem.shard, problem.key, problem.reason) for problem in named}
        expected = {("0.tar", "", "tar_digest"), ("0.tar", "0001", "image_checksum")}
        wrong = [f"named are {found ^ expected}"] if found != expected else []
        try:
            ShardReader(shards).read(0, 1)
        except SampleError as error:
            wrong += [] if error.reason == "image_checksum" else [f"it is {error.reason}"]
        else:
            wrong.append("the photograph is read")
        return _tally(1, wrong)

    return Case("flipped_data", work)


def _write_tars(folder: Path, bad: bytes) -> None:
    (folder / "0.tar").write_bytes(bad)
    (folder / "1.tar").write_bytes(plain([good_sample(9)]))


def _verified(samples: Sequence[GoodSample], refused: set[str]) -> Case:
    """All that is bad is named beforehand, and a clean copy has none of it."""

    def work(folder: Path) -> Tally:
        shards, check = _shards(folder, samples), Usable(load_template("street"))
        named = {problem.key for problem in verify(shards, check)}
        known = {bad.name for bad in BAD_IMAGES if bad.training_takes_it and bad.reason is not None}
        wrong = [f"named are {named ^ refused ^ known}"] if named != refused | known else []
        cleaned = clean(shards, folder / "clean", check)
        if cleaned.kept + len(cleaned.rejections) != GOOD + len(samples):
            wrong.append(f"{cleaned.kept} kept, {len(cleaned.rejections)} left out")
        left = verify(folder / "clean", check)
        wrong += [f"the clean copy has {len(left)} problems"] if left else []
        return _tally(len(samples), wrong)

    return Case("verify", work, faults=len(samples))


def _command(samples: Sequence[GoodSample]) -> Case:
    """The same through the command."""

    def work(folder: Path) -> Tally:
        shards, out = _shards(folder, samples), folder / "clean"
        streetclip("shards", "verify", shards, code=2)
        streetclip("shards", "verify", shards, "--clean", out, code=0)
        printed = streetclip("shards", "verify", out, code=0)
        return _tally(len(samples), [] if "0 problems" in printed else [printed])

    return Case("command", work, faults=len(samples))


def _shards(folder: Path, samples: Sequence[GoodSample]) -> Path:
    good = [good_sample(number) for number in range(GOOD)]
    half = len(samples) // 2
    parts = [[*good[: GOOD // 2], *samples[:half]], [*samples[half:], *good[GOOD // 2 :]]]
    return write_shards(folder / "shards", parts).root


def _tally(faults: int, wrong: Sequence[str], *, kills: int = 0) -> Tally:
    injected = faults + kills
    survived = 0 if wrong else injected
    return Tally(injected=injected, survived=survived, kills=kills, failures=tuple(wrong))
