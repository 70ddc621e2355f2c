"""A client on the application, without a network."""

from typing import Any

import httpx

from serving.http.app import create_app
from tests.unit.fakes.recommender import FakePublisher, FakeRecommender


class Here:
    """The application over fakes, a client on it, and the lists that it recorded as served."""

    def __init__(self, **options: Any) -> None:
        self.service = FakeRecommender()
        self.publisher = FakePublisher(self.service)
        self.served: list[Any] = []
        options = {"decisions": self.served.append, "now_ms": lambda: 1_700_000_000_000, **options}
        self.app = create_app(self.service, self.publisher, **options)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://here")


def is_problem(answer: httpx.Response, status: int, kind: str | None = None) -> dict[str, Any]:
    """The problem object of an answer, which must be one as the contract has it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert isinstance(problem["title"], str)
    assert isinstance(problem["detail"], str)
    assert problem["type"].startswith("/docs#")
    if kind is not None:
        assert problem["type"] == f"/docs#{kind}"
    return problem
