"""A log played through the system's own code, without a broker, and asked.

>>> import tempfile, pathlib
>>> log = pathlib.Path(tempfile.mkdtemp()) / "events.jsonl"
>>> _ = log.write_text('{"kind": "interaction", "user_id": "u1", "item_id": "i9", "type": "click", "timestamp": 1}')
>>> state = replay(log)
>>> state.counts["applied"], state.digest[:7]
(1, 'sha256:')
>>> [item["item_id"] for item in state.recommend("u2", n=10)["items"]]
['i9']
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from coldspring.errors import CommandError
from coldspring.log_file import LogLine, read_logs
from coldspring.settings import Settings, load
from recommender.reasons import DeadLetter
from streams.replay import DirectReplay

LogPath = str | os.PathLike[str]

ORDER: Final = ("items", "forgets", "profiles", "interactions")
"""In this order nothing that is learned has to be taken back: whoever was forgotten is known before their events."""


class Replayed:
    """The state that a log leads to.

    Attributes
    ----------
    dead_letters: what was set aside. Of a line without a readable kind the topic is the log and the offset its line.
    """

    def __init__(self, engine: DirectReplay, set_aside: list[DeadLetter], settings: Settings) -> None:
        self._engine = engine
        self._settings = settings
        self._set_aside = set_aside
        self._answering: Any = None

    @property
    def digest(self) -> str:
        """`sha256:` and 64 hexadecimal digits over what was learned (contract section 3)."""
        return self._engine.digest()

    @property
    def position(self) -> dict[str, list[int]]:
        """{"interactions": next offset of each partition}."""
        return self._engine.position()

    @property
    def counts(self) -> dict[str, int]:
        """Interactions applied, duplicates and dead_letters."""
        return self._engine.counts()

    @property
    def dead_letters(self) -> list[DeadLetter]:
        """What was set aside, with the reason."""
        self._engine.flush()
        return [*self._engine.dead, *self._set_aside]

    def report(self) -> dict[str, Any]:
        """What `coldspring replay --json` prints."""
        return {"digest": self.digest, "position": self.position, "counts": self.counts}

    def recommend(self, user_id: str, n: int = 10, **query: Any) -> dict[str, Any]:
        """The list for a user, as `Client.recommend` gives it; `query` may hold the other fields of a query.

        Raises
        ------
        ValueError: for a value that a query can't have.
        """
        return self.query(user_id=user_id, n=n, **query)

    def query(self, **query: Any) -> dict[str, Any]:
        """A list for a query, as `Client.query` gives it. There is no encoder here, so no text (ValueError)."""
        from coldspring.house import house_of
        from coldspring.wiring import DirectAnswers

        if self._answering is None:
            self._answering = DirectAnswers(self._engine, house_of(self._settings))
        answer: dict[str, Any] = self._answering.recommend(query)
        return answer


def replay(
    *logs: LogPath,
    until: int | None = None,
    settings: Settings | None = None,
    each: Callable[[LogLine], None] = lambda _line: None,
) -> Replayed:
    """Play logs through the code that workers run; no broker, no Redis server.

    Parameters
    ----------
    logs: paths of event logs (JSON Lines, plain or .gz), played one after the other; "-" is the standard input. Or one
        folder that `coldspring archive` wrote.
    until: only the first so many lines.
    settings: partitions, weights and the dedupe window; default those of the environment.
    each: called with each line.

    Raises
    ------
    CommandError: when a log can't be read.
    """
    names = [os.fspath(log) for log in logs]
    if is_archive(names):
        return replay_archive(names[0], settings)
    return replay_lines(read_logs(names, until), settings, each)


def is_archive(logs: Sequence[str]) -> bool:
    """Is this one archive, and no list of event logs?"""
    return len(logs) == 1 and Path(logs[0]).is_dir()


def replay_archive(
    folder: str, settings: Settings | None = None, each: Callable[[int], None] = lambda _records: None
) -> Replayed:
    """`replay` of an archive: each record at its own offset, so positions and dead letters are the live system's.

    Parameters
    ----------
    folder: that `coldspring archive` wrote.
    settings: weights and the dedupe window; the partitions have to be the archive's.
    each: told how many records were played so far.

    Raises
    ------
    CommandError: when it is no archive, is damaged, has gaps or other partitions than set.
    """
    from coldspring.wiring import caps, event_types, topics
    from streams.archive import ArchiveError, ArchiveLog
    from streams.log_source import LogGapError

    settings = settings or load().settings
    wanted = topics(settings)
    try:
        archive = ArchiveLog(Path(folder), prefix="")
        held = archive.manifest.partitions
        if any(held[topic] != wanted.count(topic) for topic in ORDER):
            raise CommandError(
                f"{folder} has {held['interactions']} partitions of interactions and {held['items']} of items: "
                "set --partitions and --item-partitions to these"
            )
        engine = DirectReplay(wanted, event_types(settings), settings.dedupe, keep_log=False, caps=caps(settings))
        played = 0
        for topic in ORDER:
            for partition in range(held[topic]):
                for batch in archive.read(topic, partition, 0, archive.bounds(topic, partition)[1]):
                    engine.take(batch)
                    each(played := played + len(batch.records))
            engine.flush()
    except (ArchiveError, LogGapError) as error:
        raise CommandError(str(error)) from None
    return Replayed(engine, [], settings)


def replay_lines(
    lines: Iterable[LogLine],
    settings: Settings | None = None,
    each: Callable[[LogLine], None] = lambda _line: None,
) -> Replayed:
    """`replay` of lines that were read already."""
    from coldspring.wiring import caps, event_types, topics

    settings = settings or load().settings
    engine = DirectReplay(topics(settings), event_types(settings), settings.dedupe, caps=caps(settings))
    set_aside: list[DeadLetter] = []
    for line in lines:
        if line.error is not None or line.kind is None:
            set_aside.append(_dead(line))
        else:
            engine.feed(line.kind, line.key or "", line.value)
        each(line)
    engine.flush()
    return Replayed(engine, set_aside, settings)


def _dead(line: LogLine) -> DeadLetter:
    reason, detail = (line.error.reason, line.error.detail) if line.error else ("bad_kind", "")
    return DeadLetter(line.source, 0, line.number, 0, reason, detail, None, line.value)
