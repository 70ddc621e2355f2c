"""The digest is the same in every process, at every time, in every place."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import example, given

from tests.property.answering import Answering, answered, asked
from tests.property.examples import TRIED
from tests.property.logs import Line, logs
from tests.property.played import played
from tests.property.site import Site, told

ENVIRONMENTS = [
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "Pacific/Kiritimati", "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
    {"PYTHONHASHSEED": "4242", "TZ": "America/St_Johns", "LANG": "de_DE.UTF-8", "OMP_NUM_THREADS": "4"},
]


@pytest.fixture(scope="module")
def processes() -> Iterator[list[Answering]]:
    """Processes that differ in all that must not matter."""
    with (
        Answering(**ENVIRONMENTS[0]) as one,
        Answering(**ENVIRONMENTS[1]) as two,
        Answering(**ENVIRONMENTS[2]) as three,
    ):
        yield [one, two, three]


def test_every_process_gives_the_same(processes: list[Answering]) -> None:
    @TRIED
    @given(logs(forgets=True))
    @example([Line("interaction", "u1", b"[" * 2_000, bad=1)])
    def same(lines: list[Line]) -> None:
        question = asked(lines)
        assert {process.ask(question) for process in processes} == {answered(question)}

    same()


@TRIED
@given(logs())
@pytest.mark.parametrize("year", [1971, 2100])
async def test_the_wall_clock_changes_nothing(year: int, lines: list[Line]) -> None:
    now = int(datetime(year, 1, 1, tzinfo=UTC).timestamp() * 1000)
    site = Site(lines, clock=lambda: now)
    await told(site, [])
    assert site.outcome() == played(lines)
