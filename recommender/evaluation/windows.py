"""Measures over moving windows: how an evaluation went, not only how it ended."""

from __future__ import annotations

from collections import deque
from typing import Any

from recommender.evaluation.scores import Ranked


class Windows:
    """Means over the newest `size` ranked events, noted after each half of them.

    Parameters
    ----------
    k
        The lists' length: it is in the measures' names.
    size
        Ranked events in a window.
    """

    def __init__(self, k: int, size: int = 1_000) -> None:
        if size < 2:
            raise ValueError("a window has at least 2 events")
        self.k, self.size = k, size
        self._step = size // 2
        self._recent: deque[Ranked] = deque(maxlen=size)
        self._ranked = 0
        self._points: list[dict[str, Any]] = []

    def add(self, ranked: Ranked) -> None:
        """Count one event."""
        self._recent.append(ranked)
        self._ranked += 1
        if self._ranked >= self.size and (self._ranked - self.size) % self._step == 0:
            self._points.append(self._point())

    def points(self) -> list[dict[str, Any]]:
        """The windows' measures, oldest first; one of all events, if they are fewer than a window has."""
        return self._points or ([self._point()] if self._recent else [])

    def _point(self) -> dict[str, Any]:
        last, events = self._recent[-1], list(self._recent)
        cold_items = [event for event in events if event.cold_item]
        cold_users = [event for event in events if event.cold_user]
        k = self.k
        return {
            "event": last.number + 1,
            "timestamp": last.at,
            "ranked": len(events),
            f"hr@{k}": _rate(events),
            f"ndcg@{k}": sum(event.gain for event in events) / len(events),
            f"mrr@{k}": sum(event.reciprocal for event in events) / len(events),
            f"cold_items_hr@{k}": _rate(cold_items),
            f"cold_users_hr@{k}": _rate(cold_users),
        }


def _rate(events: list[Ranked]) -> float | None:
    return sum(event.place is not None for event in events) / len(events) if events else None
