"""One partition's state folded again from its log, beside the one that serves, and put in its place.

This is how a forget takes back what a user's events added to the counts: decayed popularity, the event clock, pruned
rows and the window of event ids all depend on which events came between which, so nothing less than the fold of the
log without them is exact (docs/decisions/0007). `begin` to `catch_up` run beside the live state; `finish` runs while
the live state stands still, and only has to fold what came since.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from recommender.events import Forget
from streams.log_source import LogSource
from streams.new_numbers import renumber
from streams.store import UserStore
from streams.user_shard import UserShard

KINDS = ("forgets", "profiles", "interactions")
"""In this order: an event of somebody forgotten is never learned, so it need not be taken back."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many of the partition's records were folded again, out of how many."""

    done: int
    total: int


class Rebuild:
    """The rebuild of `live` from `log`.

    Parameters
    ----------
    live
        The partition's shard; its store's `aside` takes the new state.
    make_shard
        A shard as `live`, over another store.
    topics
        The topics' full names by kind.

    Attributes
    ----------
    shard, store
        The new state, and where it lies.
    aliases
        Who was the same person as somebody forgotten.
    """

    def __init__(
        self,
        live: UserShard,
        store: UserStore,
        make_shard: Callable[[UserStore], UserShard],
        log: LogSource,
        topics: dict[str, str],
    ) -> None:
        self._live = live
        self._log = log
        self._topics = topics
        self.store = store.aside()
        self.shard = make_shard(self.store)
        self.aliases: list[Forget] = []

    def begin(self) -> None:
        """Throw away what an earlier try left behind."""
        self.store.aside().clear()
        self.store.clear()
        self.shard.reopen()
        self.shard.remember(self._live.tombstones)

    def catch_up(self, told: Callable[[Progress], None] = lambda _: None) -> None:
        """Fold the log up to where the live state stands now.

        Raises
        ------
        LogGapError
            Where the log does not reach back to its first record.
        """
        for kind in KINDS:
            at, end = self.shard.next_offset(kind), self._live.next_offset(kind)
            for batch in self._log.read(self._topics[kind], self._live.partition, at, end) if at < end else ():
                step = self.shard.fold(kind, batch)
                self.shard.commit(step)
                self.aliases.extend(step.aliases)
                if self.shard.owes_numbers:
                    renumber(self.shard, self.store)
                told(self.progress())

    def progress(self) -> Progress:
        """How far it has come."""
        done = sum(self.shard.next_offset(kind) for kind in KINDS)
        return Progress(done, sum(self._live.next_offset(kind) for kind in KINDS))

    def finish(self) -> None:
        """Fold the rest and swap; nobody else may use the live shard meanwhile.

        Raises
        ------
        StaleOwnerError
            When the partition has another owner now.
        """
        self.catch_up()
        self._live.swap(self.shard.mark_made_anew())


def told_once(aliases: Sequence[Forget]) -> list[Forget]:
    """Each id once, with its latest time."""
    latest: dict[str, int] = {}
    for forget in aliases:
        latest[forget.user_id] = max(forget.timestamp, latest.get(forget.user_id, 0))
    return [Forget(user_id, until) for user_id, until in latest.items()]
