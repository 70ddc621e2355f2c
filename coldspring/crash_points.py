"""Named moments at which a process kills itself, so that every crash can be tried: for tests only.

`COLDSPRING_CRASH_AT=interactions.commit.after:3` ends the process by SIGKILL the third time it comes there; several
are separated by commas. Parts call `reached(name)`; where nothing is set, that is a function that does nothing.

Of the click worker, KIND being interactions, profiles, forgets or items:
    KIND.fold.before, KIND.fold.after, KIND.dead.before, KIND.dead.after (only where there are dead letters),
    KIND.examples.before, KIND.examples.after, KIND.commit.before, KIND.commit.after, KIND.views.after.
    While a partition's items are numbered anew: numbers.given, numbers.named, numbers.copied, numbers.swap.before,
    numbers.swap.after.
Of the embedding worker: vectors.encoded, vectors.published, vectors.written.
Of serving, while it saves its index: index.FILE.written, index.FILE.synced, index.FILE.renamed, FILE being data or
sidecar.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Final

CRASH_AT: Final = "COLDSPRING_CRASH_AT"

Reached = Callable[[str], None]


def kill_self() -> None:
    """SIGKILL to this process: nothing is flushed, nothing said goodbye to."""
    os.kill(os.getpid(), signal.SIGKILL)


def from_environment(environ: Mapping[str, str] | None = None, end: Callable[[], None] = kill_self) -> Reached:
    """What parts call at their crash points.

    Raises
    ------
    ValueError: when a count is no number from 1.
    """
    told = (os.environ if environ is None else environ).get(CRASH_AT, "")
    left = Counter(dict(map(_point, filter(None, told.split(",")))))
    if not left:
        return nothing

    def reached(name: str) -> None:
        if name in left:
            left[name] -= 1
            if left[name] <= 0:
                end()

    return reached


def nothing(_: str) -> None:
    """No crash is wanted."""


def _point(text: str) -> tuple[str, int]:
    name, _, count = text.strip().partition(":")
    if count and (not count.isdigit() or int(count) < 1):
        raise ValueError(f"{CRASH_AT}: {text!r} is not NAME or NAME:COUNT with a count from 1")
    return name, int(count or 1)
