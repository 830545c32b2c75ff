"""The fault tests in their short forms; `make faults` runs the whole."""

from pathlib import Path

import pytest
from tests.faults.listing import fault_tests
from tests.faults.preload import preload
from tests.faults.scale import Scale

pytestmark = pytest.mark.distributed


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the whole harness, where undisturbed runs are shared."""
    folder = tmp_path_factory.mktemp("faults")
    preload(folder)
    return folder


# These take ten to twenty seconds each; the slow suite has them at a larger size.
LONG = ("R3", "R7", "R13")


@pytest.mark.parametrize("name", [name for name in fault_tests() if name not in LONG])
def test_a_few_faults_are_survived_without_a_trace(work: Path, name: str) -> None:
    tally = fault_tests()[name].run(Scale.QUICK, work)
    assert tally.is_clean, tally


@pytest.mark.slow
@pytest.mark.parametrize("name", fault_tests())
def test_more_faults_are_survived_without_a_trace(work: Path, name: str) -> None:
    tally = fault_tests()[name].run(Scale.SHORT, work)
    assert tally.is_clean, tally
