"""The page of bad input: each case played alone, and what it came to.

`python -m tests.rig.bad_input` writes it to docs/bad-input.md; a test checks that it is current.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from recommender.reasons import DeadLetter
from recommender.topics import Topics
from streams.batch import Batch
from streams.intake import LogRecord
from streams.replay import DirectReplay
from tests.rig.bad_cases import Case, cases, told

PAGE: Final = Path(__file__).parents[2] / "docs" / "bad-input.md"


def alone(case: Case) -> tuple[int, list[DeadLetter]]:
    """Play one case into an empty state: what counts, and what was set aside."""
    engine, topics = DirectReplay(), Topics()
    records = [LogRecord(offset, case.key, value) for offset, value in enumerate(case.values)]
    partition = case.partition(topics)
    engine.take(Batch(case.topic, partition, 0, len(records), records))
    if case.topic == "interactions":
        return engine.counts()["applied"], engine.dead
    engine.flush()
    return len(records) - len(engine.dead), engine.dead


def table(found: Sequence[tuple[Case, str]]) -> str:
    """The page: case, expected, got."""
    lines = ["| | case | expected | got |", "|---|---|---|---|"]
    lines += [f"| {case.group} | {case.name} | {case.expected} | {got} |" for case, got in found]
    return "\n".join(lines) + "\n"


def page() -> str:
    """The table of every case played alone."""
    rows = []
    for case in cases():
        applied, dead = alone(case)
        rows.append((case, told(applied, tuple((letter.index, letter.reason) for letter in dead))))
    return HEAD + table(rows)


HEAD: Final = """# Bad input

What each case comes to, made by `python -m tests.rig.bad_input` and checked by `tests/agents/test_bad_input.py`; the
same records go through a real Kafka, a worker and a real Redis in `tests/integration/test_bad_input_stream.py`, one in
every hundred of 10,000 good events, with the good events' digest unchanged.

A reason is that of a dead letter: one for each bad record, or for each bad element of an envelope (its index is told
where it is not 0). The reasons are explained by `coldspring dead-letters reasons`.

"""

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
