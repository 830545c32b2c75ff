import json
from pathlib import Path

import pytest
from tests.badserver import BadServer
from tests.conftest import Finished
from tests.tinybench import TinyBench

from streetclip.build.benchmark import benchmark
from streetclip.config.load import load_benchmark
from streetclip.errors import InputError
from streetclip.evaluation.result import read_result


def _values(folder: Path) -> dict[str, object]:
    content = json.loads((folder / "results.json").read_text())
    return {
        name: content[name]
        for name in ("values", "weights_digest", "protocol_digest", "shard_set_digest")
    }


def test_the_command_gives_the_numbers_of_the_callback_with_averaged_weights(
    finished: Finished, tmp_path: Path
) -> None:
    options = load_benchmark(
        None, [f"runs_dir={finished.folder}/runs", f"out={tmp_path}/out", "bootstrap=50"]
    )
    done = benchmark(options, progress=False)
    result, out = done.result, done.out
    assert _values(out) == _values(finished.run / "evaluations" / "epoch=002" / "val")
    again = read_result(out).predictions
    assert again.equals(read_result(finished.run / "evaluations" / "epoch=002" / "val").predictions)
    assert {p.name for p in out.iterdir()} == {
        "map.png",
        "predictions.parquet",
        "report.html",
        "report.md",
        "results.json",
    }
    assert result.photos == 12


def test_the_command_gives_the_numbers_of_the_callback_without_averaging(
    finished: Finished, tmp_path: Path
) -> None:
    from streetclip.build.pretrain import pretrain
    from streetclip.config.load import load_experiment

    options = load_experiment(
        finished.experiment,
        [
            f"runs_dir={tmp_path}/runs",
            "optim.ema_decay=null",
            "trainer.max_epochs=1",
            "trainer.loggers=[csv]",
        ],
    )
    run = pretrain(options)
    done = benchmark(
        load_benchmark(None, [f"run={run}", f"out={tmp_path}/out", "bootstrap=50"]), progress=False
    )
    assert _values(done.out) == _values(run / "evaluations" / "epoch=001" / "val")


def test_an_open_clip_model_is_measured_on_a_table_of_photographs(
    finished: Finished, tmp_path: Path
) -> None:
    table = next(finished.folder.glob("shards/*/photographs/val/photos.csv"))
    options = load_benchmark(
        None,
        [
            f"model={finished.folder}/model.json",
            f"data={table}",
            f"protocol={finished.folder}/protocol.yaml",
            f"out={tmp_path}/out",
            f"shards_dir={tmp_path}/shards",
            "bootstrap=50",
        ],
    )
    result = benchmark(options, progress=False).result
    assert result.photos == 12
    assert result.set_name == "photos"
    assert result.values["country_accuracy_seen"].value is None


def test_a_full_output_folder_is_refused(finished: Finished, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("mine")
    options = load_benchmark(None, [f"runs_dir={finished.folder}/runs", f"out={tmp_path}"])
    with pytest.raises(InputError, match="is not empty; choose a new or empty folder"):
        benchmark(options)


def test_a_model_and_photographs_at_urls_give_the_local_numbers(
    finished: Finished, tmp_path: Path
) -> None:
    run = finished.run
    (folder,) = finished.folder.glob("shards/sample-world-*/val")
    words = [f"protocol={finished.folder}/protocol.yaml", "bootstrap=20"]
    local = [f"model={run}/checkpoints/best.ckpt", f"data={folder}", f"out={tmp_path}/local"]
    benchmark(load_benchmark(None, [*words, *local]), progress=False)
    with BadServer(finished.folder) as server:
        base = f"{server.url}/{{}}"
        checkpoint = (run / "checkpoints" / "best.ckpt").relative_to(finished.folder)
        remote = [
            f"model={base.format(checkpoint)}",
            f"data={base.format(folder.relative_to(finished.folder))}",
            *(f"remote.cache_dir={tmp_path}/cache", f"out={tmp_path}/remote"),
        ]
        result = benchmark(load_benchmark(None, [*words, *remote]), progress=False).result
    assert _values(tmp_path / "remote") == _values(tmp_path / "local")
    assert result.set_name == "val"


@pytest.mark.parametrize("shown", [True, False])
def test_the_page_shows_photographs_only_where_the_user_wants_it(
    tiny_bench: TinyBench, tmp_path: Path, shown: bool
) -> None:
    words = (f"thumbnails={str(shown).lower()}", "features.cache=false")
    done = benchmark(tiny_bench.options(tmp_path / "out", *words, number=1), progress=False)
    page = (done.out / "report.html").read_text()
    assert ("data:image/jpeg" in page) == shown
