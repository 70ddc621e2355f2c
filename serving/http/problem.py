"""What went wrong, as RFC 9457 has it: one catalogue for both doors, HTTP and Kafka.

>>> Problem("wrong-value", "n: Expected `int` <= 100").as_dict()["status"]
422
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from recommender.query import Unavailable, UnknownId
from recommender.reasons import BadEventError

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its status, its title (the same in every answer), and what it means."""

    status: int
    title: str
    meaning: str


KINDS: Final[dict[str, Kind]] = {
    "unreadable": Kind(400, "Unreadable request", "The body is no JSON document in UTF-8, or the request no HTTP."),
    "cross-site": Kind(403, "Request from another site", "A page of another site may not write here."),
    "unknown-id": Kind(404, "Unknown id", "Nothing is known under this item, user or receipt."),
    "no-such-page": Kind(404, "No such page", "There is no route with this path."),
    "wrong-method": Kind(405, "Method not allowed", "The path exists, but not for this method; see the Allow header."),
    "slow-body": Kind(408, "Request body too slow", "The body did not arrive within the time that is allowed for it."),
    "too-large": Kind(413, "Request too large", "The body or the address is longer than the limit."),
    "wrong-content-type": Kind(415, "Unsupported media type", "Bodies are application/json, without compression."),
    "wrong-value": Kind(422, "Wrong value", "A parameter, an id or a field does not fit; `errors` says which."),
    "bad-events": Kind(422, "Events not accepted", "Nothing was written; `errors` says which ones and why."),
    "internal": Kind(500, "Internal error", "Something failed here; the log has the details."),
    "unavailable": Kind(503, "Unavailable for the moment", "No answer can be given now; try again after Retry-After."),
}


class Problem(Exception):
    """A request that cannot be answered; `kind` is one of `KINDS`, `more` are extension members."""

    def __init__(self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.kind].status

    def as_dict(self) -> dict[str, Any]:
        """The problem object; its type leads to the explanation on the page of the API."""
        kind = KINDS[self.kind]
        own = {"type": f"/docs#{self.kind}", "title": kind.title, "status": kind.status, "detail": self.detail}
        return {**own, **self.more}


def wrong_value(field: str, detail: str) -> Problem:
    """A parameter or field that holds what is not accepted."""
    return Problem("wrong-value", f"{field}: {detail}", errors=[{"field": field, "detail": detail}])


def problem_of(error: Exception) -> Problem:
    """The problem behind an exception; what is not expected says nothing about the inside."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, Unavailable):
        seconds = max(1, error.retry_after_s)
        return Problem("unavailable", str(error), headers={"Retry-After": str(seconds)}, retry_after_s=seconds)
    if isinstance(error, UnknownId):
        return Problem("unknown-id", str(error) or KINDS["unknown-id"].meaning)
    if isinstance(error, BadEventError):
        return wrong_value(error.reason, error.detail)
    return Problem("internal", KINDS["internal"].meaning)
