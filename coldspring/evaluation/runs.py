"""Ranked events as files that other evaluators read: a run and its judgements, in TREC's formats."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from recommender.evaluation import Ranked

RUN, JUDGEMENTS = "run.txt", "qrels.txt"


class Runs:
    """Writes `run.txt` and `qrels.txt` into a folder: a query is an event, by its number in the stream.

    A run's score is minus the rank, with the target behind all that tied with it: so no reader breaks ties in its
    favour. Ids are percent-encoded, as they may have blanks. A list in which nothing is shown has no line.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._name = name
        self._run = (folder / RUN).open("w", encoding="utf-8")
        self._judgements = (folder / JUDGEMENTS).open("w", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._run.close()
        self._judgements.close()

    def add(self, ranked: Ranked) -> None:
        """Write one ranked event."""
        number, target = ranked.number, quote(str(ranked.item), safe="")
        self._judgements.write(f"{number} 0 {target} 1\n")
        others = [item for item in ranked.shown if item != ranked.item]
        if ranked.place is not None:
            others.insert(ranked.place, ranked.item)
        for rank, item in enumerate(others, 1):
            self._run.write(f"{number} Q0 {quote(str(item), safe='')} {rank} {-rank} {self._name}\n")
