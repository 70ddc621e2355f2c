"""What a client sees while worker, store, encoder and broker are killed, emptied and come back."""

from collections.abc import Callable, Iterator

import pytest

from coldspring import Client
from tests.rig.faults import FAULTS, Place, go_through
from tests.rig.questions import Questions


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("faults")) as place:
        yield place


@pytest.mark.timeout(400)
@pytest.mark.parametrize("fault", FAULTS)
def test_every_answer_is_right_or_an_honest_503(place: Place, fault: Callable[[Place], None]) -> None:
    with Client(place.system.url) as client, Questions(place.system.url, place.known) as asking:
        go_through(place, client, asking, fault)
    assert asking.asked.wrong == []
