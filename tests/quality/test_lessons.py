"""A quarter of the lessons is nearly as good as all of them: a slower machine loses little."""

from __future__ import annotations

from benchmarks.lessons import examples, run

from .size import LONG

EVENTS = 20_000 if LONG else 5_000
LEAST = 0.95
"""Of the hit rate with all lessons; measured over 20,000 events: no loss (docs/live-quality.md)."""


def test_a_quarter_of_the_lessons_keeps_the_hit_rate() -> None:
    those = examples(EVENTS)
    whole, _ = run(those, 1.0, 0.5)
    quarter, _ = run(those, 0.25, 0.5)
    assert quarter["lessons"] < 0.3 * whole["lessons"] == 0.3 * EVENTS
    assert quarter["tested"] == whole["tested"] > 0.4 * EVENTS
    rates = [told["models"]["default"]["hr@10_all"] for told in (whole, quarter)]
    assert rates[1] >= LEAST * rates[0] > 0.1
