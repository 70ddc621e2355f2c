"""Items and users over HTTP."""

import asyncio
import logging

import pytest

from recommender.events import Forget
from recommender.read_model import Forgetting
from tests.unit.serving.http_client import Here, is_problem


async def test_an_item(here: Here) -> None:
    told = (await here.http.get("/v1/items/i1")).json()
    assert set(told["life"]) == {"arrived", "encoded", "indexed", "first_recommended"}
    assert len((await here.http.get("/v1/items/i1/similar?n=3")).json()["items"]) == 3
    assert (await here.http.get("/v1/items/i1/audience")).json() == {"users": [], "staleness_ms": 0}


@pytest.mark.parametrize("path", ["/v1/items/no", "/v1/items/no/similar", "/v1/items/no/audience", "/v1/users/no"])
async def test_the_unknown(here: Here, path: str) -> None:
    is_problem(await here.http.get(path), 404, "unknown-id")


async def test_a_removal_is_an_empty_value(here: Here) -> None:
    answer = await here.http.delete("/v1/items/a%2Fb")
    assert (answer.status_code, answer.json()) == (202, {"item_id": "a/b"})
    assert here.publisher.written == [("items", None)]


async def test_a_portrait_and_what_is_held(here: Here) -> None:
    await here.http.post("/v1/events", json={"user_id": "u1", "item_id": "i1", "type": "click"})
    await asyncio.sleep(0.01)
    for path in ("/v1/users/u1", "/v1/users/u1/export"):
        told = (await here.http.get(path)).json()
        assert told["history"] == [{"item_id": "i1", "type": "click", "timestamp": 1_700_000_000_000}]
    is_problem(await here.http.get("/v1/users/u2/export"), 404)


async def test_forgetting_is_accepted_and_can_be_followed(here: Here, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "serving"):
        answer = await here.http.delete("/v1/users/secret-name")
    assert answer.status_code == 202
    receipt = answer.json()["receipt"]
    assert here.publisher.written == [("forgets", Forget("secret-name", 1_700_000_000_000))]
    said = [record.getMessage() for record in caplog.records if record.name.startswith("serving")]
    assert receipt in said[0]
    assert "secret-name" not in said[0]
    where = answer.headers["location"]
    told = {"receipt": receipt, "state": "accepted", "progress": 0.0, "files_rewritten": False}
    assert (await here.http.get(where)).json() == told
    here.service.forgets = [Forgetting(erased=9, done=1, total=4)] * 4
    assert (await here.http.get(where)).json() == {**told, "state": "erased", "progress": 0.25}
    here.service.forgets = [Forgetting(erased=9, files=9, gap="offsets 0 to 9 are not held")] * 4
    told = (await here.http.get(where)).json()
    assert (told["state"], told["files_rewritten"]) == ("kept_in_counts", True)
    assert "offsets 0 to 9" in told["detail"]
    here.service.forgets = [Forgetting(erased=9, files=9, unlearned=9)] * 4
    assert (await here.http.get(where)).json()["state"] == "done"


@pytest.mark.parametrize("receipt", ["x", "1", "9-0", "1-2-3", "%F0%9F%8E%AC"])
async def test_a_receipt_that_is_none(here: Here, receipt: str) -> None:
    is_problem(await here.http.get(f"/v1/forgets/{receipt}"), 404, "unknown-id")
