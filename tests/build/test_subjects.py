import shutil
from pathlib import Path

import pytest
from tests.conftest import Finished

from streetclip.build.subjects import newest_run, resolve
from streetclip.config.load import load_benchmark
from streetclip.errors import InputError
from streetclip.evaluation.registry import NamedSource


def test_models_and_named_sets_need_no_run(tmp_path: Path) -> None:
    words = ["models=[a.ckpt, ViT-B-32]", "data=[im2gps=x/a.csv, y/mine]", f"runs_dir={tmp_path}"]
    subjects = resolve(load_benchmark(None, words))
    assert subjects.models == ("a.ckpt", "ViT-B-32")
    assert subjects.sets == (
        NamedSource("im2gps", "x/a.csv", "im2gps"),
        NamedSource("mine", "y/mine"),
    )
    assert (subjects.protocols, subjects.max_photos) == (("streetclip",), None)


def test_without_a_run_the_message_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no run with a checkpoint under .*; train one with"):
        newest_run(tmp_path)


def test_what_the_user_names_wins_over_the_run(finished: Finished) -> None:
    options = load_benchmark(
        None, [f"run={finished.run}", "data=elsewhere/set.csv", "protocol=paper"]
    )
    subjects = resolve(options)
    assert subjects.sets == (NamedSource("set", "elsewhere/set.csv"),)
    assert subjects.protocols == ("paper",)
    assert subjects.models == (str(finished.run / "checkpoints" / "epoch=002-step=000010.ckpt"),)


def test_a_run_over_urls_is_measured_with_its_own_cache(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "runs" / "tiny" / "001"
    shutil.copytree(finished.run, run)
    text = (run / "config.yaml").read_text()
    assert "    cache_dir: null" in text
    (run / "config.yaml").write_text(text.replace("    cache_dir: null", "    cache_dir: mine"))
    for words, expected in (([], "mine"), (["remote.cache_dir=other"], "other")):
        options = load_benchmark(None, [f"runs_dir={tmp_path}/runs", *words])
        assert resolve(options).remote.cache_dir == expected
