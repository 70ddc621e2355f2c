"""What the worker notes of the stages, and where a state stands against its log."""

from dataclasses import dataclass, field
from typing import Any

from faust.types import TP

from recommender.events import Interaction
from recommender.head import UserHead
from recommender.passages import trace_id
from recommender.spans import Sampled, Span
from streams.batch import Batch
from streams.current import Current
from streams.intake import LogRecord
from streams.standing import standing
from streams.trace import A_BEAT, Trace


@dataclass
class Step:
    head: UserHead
    learned: list[Any] = field(default_factory=list)


class Clock:
    now = 1_000

    def __call__(self) -> int:
        return self.now

    def at(self, now: int) -> None:
        self.now = now


def batch(begin: int, count: int, published: int = 900) -> Batch:
    records = [LogRecord(begin + n, f"i{n}".encode(), f'{{"event_id": "e{begin + n}"}}'.encode(), published + n)
               for n in range(count)]  # fmt: skip
    return Batch("interactions", 2, begin, begin + count, records)


def step(end: int, *events: str) -> Step:
    learned = [Interaction(user_id="u", item_id="i", type="click", timestamp=1, event_id=event) for event in events]
    return Step(UserHead(next={"interactions": end, "items": end}), learned)


def go(trace: Trace, clock: Clock, given: Batch, ends: list[int], kind: str = "interactions") -> list[dict[str, int]]:
    """One batch in steps of 10 ms: read, then each part learned and stored."""
    trace.read(kind, given)
    published = []
    for end in ends:
        part = step(end, f"e{end - 1}")
        clock.at(clock.now + 10)
        trace.learned(part)
        clock.at(clock.now + 10)
        published.append(trace.stored(kind, given.partition, part))
    return published


def test_a_batch_written_in_parts_has_a_stretch_for_each() -> None:
    clock = Clock()
    trace = Trace(clock)
    go(trace, clock, batch(5, 4), [7, 9])
    first, second = trace.take()["interactions", 2]
    assert (first.begin, first.next, first.records, first.published, first.newest) == (5, 7, 2, 900, 901)
    assert (first.read, first.learned, first.stored) == (1000, 1010, 1020)
    assert (second.begin, second.next, second.read, second.learned, second.stored) == (7, 9, 1000, 1030, 1040)
    assert trace.take() == {}


def test_the_histograms_count_records_from_their_own_time() -> None:
    clock = Clock()
    trace = Trace(clock)
    go(trace, clock, batch(0, 4), [4])
    told = trace.figures()
    assert sum(told["event_to_state"]["counts"]) == 4
    assert told["event_to_state"]["sum"] == round((120 + 119 + 118 + 117) / 1000, 6)
    assert {name: sum(each["counts"]) for name, each in told["stages"].items()} == {"read": 4, "learn": 4, "store": 4}


def test_many_batches_in_one_beat_are_joined_without_a_gap() -> None:
    clock = Clock()
    trace = Trace(clock)
    for begin in range(0, 4 * A_BEAT, 2):
        go(trace, clock, batch(begin, 2), [begin + 2])
    told = trace.take()["interactions", 2]
    assert len(told) == A_BEAT
    assert [each.begin for each in told[1:]] == [each.next for each in told[:-1]]
    assert sum(each.records for each in told) == 4 * A_BEAT


def test_a_refused_step_leaves_nothing_and_what_is_read_again_counts() -> None:
    clock = Clock()
    trace = Trace(clock)
    trace.read("interactions", batch(0, 4))
    trace.learned(step(4))  # the write was refused, the consumer went back
    go(trace, clock, batch(2, 2), [4])
    [told] = trace.take()["interactions", 2]
    assert (told.begin, told.next, told.records) == (2, 4, 2)


def test_items_tell_when_they_were_published() -> None:
    clock = Clock()
    assert go(Trace(clock), clock, batch(0, 3), [2, 3], "items") == [{"i0": 900, "i1": 901}, {"i2": 902}]


def test_batches_have_spans_and_chosen_events_their_own() -> None:
    sent: list[Span] = []
    clock = Clock()
    trace = Trace(clock, Sampled(sent.append, share=1.0))
    go(trace, clock, batch(0, 4), [4])
    event, whole = sent
    assert (event.trace, event.begin_ms, event.end_ms) == (trace_id("e3"), 903, 1020)
    assert event.parts == (("wait", 903, 1000), ("learn", 1000, 1010), ("store", 1010, 1020))
    assert event.links == (whole.trace,)
    assert whole.links == (event.trace,)
    assert whole.attributes["messaging.batch.message_count"] == 4
    assert "user" not in str(whole) + str(event)
    nobody: list[Span] = []
    trace = Trace(clock, Sampled(nobody.append, share=0.0))
    go(trace, clock, batch(0, 4), [4])
    assert [span.name for span in nobody] == ["batch"]


@dataclass
class Shard:
    head: UserHead

    def next_offset(self, topic: str) -> int:
        return self.head.next.get(topic, 0)


def test_a_state_is_current_up_to_when_the_end_it_reached_was_seen() -> None:
    current, tp = Current(), TP("interactions", 1)
    shard = Shard(UserHead(next={"interactions": 5}, applied=5, duplicates=2))

    def look(end: int | None, now: int) -> dict[str, Any]:
        return standing([(tp, "interactions", shard)], lambda _: end, current, now)

    assert look(None, 1_000) == {
        "lag": {"interactions:1": 0},
        "until": {},
        "state": {"interactions:1": {"applied": 5, "dead_letters": 0, "duplicates": 2}},
    }
    assert look(5, 2_000)["until"] == {"interactions:1": 2_000}
    assert look(9, 3_000)["lag"] == {"interactions:1": 4}
    assert look(9, 4_000)["until"] == {"interactions:1": 2_000}
    shard.head = UserHead(next={"interactions": 9})
    assert look(20, 5_000)["until"] == {"interactions:1": 4_000}
    assert look(9, 6_000)["until"] == {"interactions:1": 6_000}
