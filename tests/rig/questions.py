"""Questions whose right answers are known, asked without a pause while things break."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import httpx

from tests.rig import shelf

PAUSE_S = 0.01
"""Between two questions: what they are asked about needs the cores too."""
PROBLEM = "application/problem+json"
KINDS = ("list", "portrait", "trending", "similar", "nobody", "text")
"""What is asked, by name."""
CLICKED = 4
"""Items that each user has clicked: the place of the first is the user's number."""


def users(count: int) -> dict[str, frozenset[str]]:
    """Users with histories of their own, by id: no two alike."""
    ids = [item["item_id"] for item in shelf.items()]
    return {f"reader{n}": frozenset(ids[(n + 3 * step) % len(ids)] for step in range(CLICKED)) for n in range(count)}


def clicks(known: dict[str, frozenset[str]]) -> list[dict[str, Any]]:
    """The events that make these histories."""
    return [
        {"event_id": f"{user} {item}", "user_id": user, "item_id": item, "type": "click",
         "timestamp": shelf.SINCE_MS + 1_000_000 + place}
        for place, (user, items) in enumerate(known.items()) for item in sorted(items)
    ]  # fmt: skip


@dataclass
class Asked:
    """What became of all questions: right ones and honest 503s by question, and every wrong answer as it was."""

    right: Counter[str] = field(default_factory=Counter)
    honest: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stale: int = 0

    @property
    def total(self) -> int:
        """All answers."""
        return self.right.total() + self.honest.total() + len(self.wrong)


class Questions:
    """A thread that asks again and again. An answer is right, an honest 503, or wrong; nothing else."""

    def __init__(self, url: str, known: dict[str, frozenset[str]]) -> None:
        self.asked = Asked()
        self._known = known
        self._position: list[int] = []
        self._count = 0
        self._stop = threading.Event()
        self._http = httpx.Client(base_url=url, timeout=30.0, trust_env=False)
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._http.close()

    def _ask(self) -> None:
        while not self._stop.is_set():
            for user, clicked in self._known.items():
                self._one("list", f"/v1/users/{user}/recommendations?explain=true&n=5", user, clicked)
                self._one("portrait", f"/v1/users/{user}", user, clicked)
            self._one("trending", "/v1/trending?window=7d")
            self._one("similar", f"/v1/items/{min(self._known['reader0'])}/similar")
            self._one("nobody", "/v1/users/nobody/recommendations")
            self._one("text", "/recommend")

    def _one(self, name: str, path: str, user: str = "", clicked: frozenset[str] = frozenset()) -> None:
        self._stop.wait(PAUSE_S)
        self._count += 1
        wish = {"input": f"科幻 {self._count}"}  # a text that was asked before needs no encoder
        try:
            answer = self._http.post(path, json=wish) if name == "text" else self._http.get(path)
        except httpx.HTTPError as error:
            self.asked.wrong.append(f"{name}: no answer: {type(error).__name__}")
            return
        if answer.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            honest = answer.headers["content-type"] == PROBLEM and int(answer.headers.get("retry-after", 0)) >= 1
            if honest:
                self.asked.honest[name] += 1
                return
        fault = self._fault(name, answer, user, clicked)
        if fault:
            self.asked.wrong.append(f"{name} {user}: {fault}: {answer.status_code} {answer.text[:300]}")
        else:
            self.asked.right[name] += 1

    def _fault(self, name: str, answer: httpx.Response, user: str, clicked: frozenset[str]) -> str:
        """What is wrong with an answer; "" for nothing."""
        if answer.status_code != httpx.codes.OK:
            return "neither an answer nor a 503 with Retry-After"
        told = answer.json()
        stale = told["staleness_ms"]
        if not isinstance(stale, int) or stale < 0:
            return "no staleness"
        self.asked.stale = max(self.asked.stale, stale)
        if name == "portrait":
            met = frozenset(event["item_id"] for event in told["history"])
            return "" if told["user_id"] == user and met == clicked else "not theirs"
        if not told["items"]:
            return "empty"
        if name == "list":
            return self._fault_of_list(told, user, clicked)
        return ""

    def _fault_of_list(self, told: dict[str, Any], user: str, clicked: frozenset[str]) -> str:
        position = told["position"]["interactions"]
        back = any(now < before for now, before in zip(position, self._position, strict=False))
        self._position = position
        if back:
            return "the position went back"
        if told["user_id"] != user:
            return "another user's"
        seen = {left["item_id"] for left in told["left_out"] if left["rule"] == "seen"}
        if seen != clicked or seen & {item["item_id"] for item in told["items"]}:
            return f"made from another history, {sorted(seen)}"
        return ""
