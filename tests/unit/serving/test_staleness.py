"""Every answer made from the state says how old it may be."""

import pytest

from tests.unit.serving.http_client import Here


@pytest.mark.parametrize(
    "path",
    [
        "/v1/users/u1/recommendations",
        "/v1/items/i1/similar",
        "/v1/items/i1/audience",
        "/v1/trending",
    ],
)
async def test_an_answer_says_how_old_its_state_may_be(here: Here, path: str) -> None:
    assert (await here.http.get(path)).json()["staleness_ms"] == 0
    here.service.stale_ms = 7_000
    assert (await here.http.get(path)).json()["staleness_ms"] == 7_000


async def test_titles_for_a_text_say_it_too(here: Here) -> None:
    here.service.stale_ms = 7_000
    assert (await here.http.post("/recommend", json={"input": "科幻"})).json()["staleness_ms"] == 7_000
