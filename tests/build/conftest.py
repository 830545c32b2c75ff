from pathlib import Path

import pytest
from tests.plainresult import result_of
from tests.tinybench import TinyBench, write_tiny_bench

from streetclip.evaluation.result import Result


@pytest.fixture(scope="session")
def tiny_bench(tmp_path_factory: pytest.TempPathFactory) -> TinyBench:
    """Models, sets and protocols, only looked at."""
    return write_tiny_bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="session")
def tiny_result() -> Result:
    """A result of one photograph."""
    row = {"key": "a", "distance_km": 3.0, "true_latitude": 1.0, "true_longitude": 2.0}
    return result_of([row], resamples=10, matching_batch=1)


@pytest.fixture
def plain_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages and maps take most of the time of a small benchmark, and have tests of their own."""

    def write(_: object, folder: Path, **__: object) -> None:
        for name in ("report.md", "report.html"):
            (folder / name).write_text("")

    monkeypatch.setattr("streetclip.build.measuring.write_report", write)
