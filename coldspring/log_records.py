"""Log lines as records for Kafka: the same for `produce`, `replay --bootstrap` and the demo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from coldspring.backlog import Backlog
from coldspring.log_file import LogLine
from coldspring.producer import Producer
from recommender.partitioning import partition_of
from recommender.topics import Topics

TOPIC_OF_KIND: Final = {
    "interaction": "interactions",
    "item": "items",
    "profile": "profiles",
    "forget": "forgets",
}


@dataclass(slots=True)
class Sent:
    """What was sent: records by kind, and the lines that could not be assigned to a topic."""

    kinds: Counter[str] = field(default_factory=Counter)
    set_aside: int = 0

    def as_dict(self) -> dict[str, int]:
        """Counts by kind, `dead_letters` and the lines in all."""
        return {**{kind: self.kinds[kind] for kind in TOPIC_OF_KIND}, "dead_letters": self.set_aside,
                "lines": self.kinds.total() + self.set_aside}  # fmt: skip


def send_lines(
    lines: Iterable[LogLine],
    producer: Producer,
    topics: Topics,
    backlog: Backlog | None = None,
    each: Callable[[LogLine, Sent], None] = lambda _line, _sent: None,
) -> Sent:
    """Send each line's event to its topic; a line without a topic goes to the dead letters.

    A line that is wrong inside goes to its topic all the same: its worker sets it aside and counts it.
    """
    sent = Sent()
    for line in lines:
        if line.error is not None or line.kind is None:
            _set_aside(producer, line)
            sent.set_aside += 1
        else:
            topic = TOPIC_OF_KIND[line.kind]
            partition = partition_of(line.key or "", topics.count(topic))
            producer.send(topic, line.key or None, line.value, partition=partition)
            sent.kinds[line.kind] += 1
            if backlog is not None:
                backlog.sent(topic, partition, len(line.value or b"") + len(line.key or ""))
                backlog.wait_for_room()
        each(line, sent)
    return sent


def _set_aside(producer: Producer, line: LogLine) -> None:
    reason = line.error.reason if line.error else "bad_kind"
    detail = line.error.detail if line.error else ""
    headers = {"reason": reason, "detail": detail, "topic": line.source, "partition": "0",
               "offset": str(line.number), "index": "0"}  # fmt: skip
    producer.send("dead-letters", None, line.value, headers)
