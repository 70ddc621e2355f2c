"""Compile what numba compiles, into its cache, so that the first start is quick: ``python -m coldspring.warm``.

A small planted stream goes through the fold, through every model, and through an answer.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator

from coldspring.log_file import LogLine, read_lines

USERS, ITEMS, EVENTS = 12, 30, 400
CATALOGUE = 480
"""More items than are all candidates, so that the choice among them is compiled too."""
HOUR_MS = 3_600_000


def planted() -> Iterator[dict[str, object]]:
    """A checkerboard: even users choose even items, odd users odd ones."""
    for item in range(CATALOGUE):
        yield {"kind": "item", "item_id": f"i{item}", "title": f"Item {item}", "categories": [f"c{item % 2}"],
               "timestamp": 1 + item}  # fmt: skip
    for number in range(EVENTS):
        user = number % USERS
        item = (user + 2 * (number // USERS)) % ITEMS
        kind = ("click", "rating", "dislike", "view", "hide")[number % 5 if number > EVENTS - 20 else number % 2]
        yield {"kind": "interaction", "user_id": f"u{user}", "item_id": f"i{item}", "type": kind,
               "value": 4 if kind == "rating" else None, "timestamp": HOUR_MS * (1 + number)}  # fmt: skip


def lines() -> Iterator[LogLine]:
    """The planted stream as lines of a log."""
    import io

    text = "\n".join(json.dumps(event) for event in planted())
    return read_lines(io.BytesIO(text.encode()), "planted")


def main() -> None:
    """Compile everything once."""
    from coldspring.evaluation import evaluate_lines, model_names
    from coldspring.log_replay import replay_lines
    from coldspring.settings import Settings

    began = time.monotonic()
    state = replay_lines(lines(), Settings())
    state.recommend("u1", n=5, explain=True)
    state.query(history=["i1", "i2"], n=5, diversity=0.5)
    for name in model_names():
        evaluate_lines(lines(), name, Settings())
    sys.stderr.write(f"compiled in {time.monotonic() - began:.1f} s\n")


if __name__ == "__main__":
    main()
