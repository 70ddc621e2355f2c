"""Questions to a running Coldspring, over HTTP.

With a system running (`coldspring demo`)::

    from coldspring import Client

    with Client("http://localhost:8000") as client:
        for item in client.recommend("u1", n=10)["items"]:
            print(item["score"], item["title"])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from coldspring.errors import AnswerError, NotFoundError, NotReadyError, RefusedError


class Client:
    """A connection to the HTTP API; every call gives the answer's JSON as Python values.

    Parameters
    ----------
    url: where Coldspring serves; without a scheme http is meant.
    timeout_s: how long an answer may take.
    transport: an httpx transport in place of the network, for tests.

    Raises (every call)
    -------------------
    NotFoundError: for an unknown item, or the portrait of an unknown user.
    RefusedError: when the request was wrong; its `problem` has the details.
    NotReadyError: when the server can't answer now, or can't be reached.

    Examples
    --------
    >>> from coldspring import Client                                     # doctest: +SKIP
    >>> client = Client("http://localhost:8000")                          # doctest: +SKIP
    >>> client.recommend("u1", n=3)["items"][0]["title"]                  # doctest: +SKIP
    'Alien (1979)'
    >>> client.query(text="我喜欢阅读科幻小说", n=3)["items"]               # doctest: +SKIP
    """

    def __init__(
        self,
        url: str = "http://localhost:8000",
        *,
        timeout_s: float = 10.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        base = url if "://" in url else f"http://{url}"
        # Coldspring is asked directly, whatever proxies the environment names for the rest of the world.
        self._http = httpx.Client(base_url=base.rstrip("/"), timeout=timeout_s, transport=transport, trust_env=False)

    def recommend(
        self, user_id: str, n: int = 10, *, category: str | None = None, domain: str | None = None,
        exclude: Sequence[str] = (), explain: bool = False, diversity: float | None = None,
        calibration: float | None = None, fatigue: float | None = None, shown: Sequence[str] = (),
        max_per_category: int | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The list for a user, known or not; docs/lists.md has every dial."""
        asked = {
            "n": n, "category": category, "domain": domain, "exclude": list(exclude), "explain": explain or None,
            "diversity": diversity, "calibration": calibration, "fatigue": fatigue, "shown": list(shown),
            "max_per_category": max_per_category,
        }  # fmt: skip
        return self._object("GET", f"/v1/users/{_segment(user_id)}/recommendations", asked)

    def query(self, **query: Any) -> dict[str, Any]:
        """A list for a query: user_id, text, history, n, filters, context, diversity, rules, … (docs/lists.md)"""
        return self._object("POST", "/v1/recommendations", body=query)

    def similar(self, item_id: str, n: int = 10) -> list[dict[str, Any]]:
        """The items nearest to one, by behaviour and by content."""
        return list(self._object("GET", f"/v1/items/{_segment(item_id)}/similar", {"n": n})["items"])

    def audience(self, item_id: str, n: int = 10) -> list[dict[str, Any]]:
        """The users who would most likely want an item."""
        return list(self._object("GET", f"/v1/items/{_segment(item_id)}/audience", {"n": n})["users"])

    def trending(
        self, n: int = 10, *, category: str | None = None, domain: str | None = None, window: str | None = None
    ) -> list[dict[str, Any]]:
        """What is rising, in a window such as "24h"."""
        asked = {"n": n, "category": category, "domain": domain, "window": window}
        return list(self._object("GET", "/v1/trending", asked)["items"])

    def item(self, item_id: str) -> dict[str, Any]:
        """An item, with its `life` and `counts`."""
        return self._object("GET", f"/v1/items/{_segment(item_id)}")

    def remove_item(self, item_id: str) -> None:
        """Remove an item."""
        self._answer("DELETE", f"/v1/items/{_segment(item_id)}")

    def user(self, user_id: str) -> dict[str, Any]:
        """A user's interests and history."""
        return self._object("GET", f"/v1/users/{_segment(user_id)}")

    def export(self, user_id: str) -> dict[str, Any]:
        """All that is held of a user."""
        return self._object("GET", f"/v1/users/{_segment(user_id)}/export")

    def forget(self, user_id: str) -> dict[str, Any]:
        """Forget a user; the answer has a receipt where the server gives one."""
        return self._object("DELETE", f"/v1/users/{_segment(user_id)}")

    def forgetting(self, receipt: str) -> dict[str, Any]:
        """How far a forget has come: `state`, `progress` of the rebuild, and whether the files are clean."""
        return self._object("GET", f"/v1/forgets/{_segment(receipt)}")

    def events(self, events: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[str]:
        """Send one interaction or up to 500; their ids."""
        return list(self._object("POST", "/v1/events", body=events)["ids"])

    def items(self, items: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[str]:
        """Announce one item or up to 500; their ids."""
        return list(self._object("POST", "/v1/items", body=items)["ids"])

    def profiles(self, profiles: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> list[str]:
        """Send one profile or up to 500; their ids."""
        return list(self._object("POST", "/v1/profiles", body=profiles)["ids"])

    def status(self) -> dict[str, Any]:
        """Figures of the running system: rates, lag, freshness, sizes, quality, versions."""
        return self._object("GET", "/v1/status")

    def ready(self) -> bool:
        """Whether the server is ready to serve; False also when it can't be reached."""
        try:
            return self._http.get("/readyz").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def close(self) -> None:
        """Disconnect; safe to call twice."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _object(
        self, method: str, path: str, asked: Mapping[str, Any] | None = None, body: Any = None
    ) -> dict[str, Any]:
        answer = self._answer(method, path, asked, body)
        try:
            found = answer.json() if answer.content else {}
        except ValueError:
            raise AnswerError(f"{method} {path}: the answer is not JSON", answer.status_code) from None
        if not isinstance(found, dict):
            raise AnswerError(f"{method} {path}: the answer is no JSON object", answer.status_code)
        return found

    def _answer(
        self, method: str, path: str, asked: Mapping[str, Any] | None = None, body: Any = None
    ) -> httpx.Response:
        wanted = {name: value for name, value in (asked or {}).items() if value is not None}
        try:
            answer = self._http.request(method, path, params=wanted, json=body)
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise NotReadyError(f"no answer from {self._http.base_url}: {told}") from error
        if answer.is_success:
            return answer
        raise _problem(answer)


def _segment(identity: str) -> str:
    """An id as one segment of a path; dots alone would be taken for folders."""
    if identity in (".", ".."):
        return identity.replace(".", "%2E")
    return quote(identity, safe="")


def _problem(answer: httpx.Response) -> AnswerError:
    try:
        problem = answer.json()
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    kind: type[AnswerError] = NotFoundError if answer.status_code == httpx.codes.NOT_FOUND else RefusedError
    if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
        kind = NotReadyError
    told = problem.get("detail") or problem.get("title") or answer.reason_phrase
    return kind(f"{answer.status_code}: {told}", answer.status_code, problem)
