"""One partition's items numbered anew, beside the state that serves, so that what items that left had taken is free.

Numbers of items that left are not given again, since rings and rows may hold them: without this a worker would need
some 200 bytes for each item that ever left. The digest knows no numbers, so this may happen at any moment and changes
nothing of it (docs/decisions/0018): places in rings and rows stay, as nobody's, and everything else is copied as it is.
What holds no numbers (profiles, queue, event ids, who was forgotten) is not touched.

`copy` and `catch_up` run beside the live state; `begin` and `finish` while it stands still, the one for some
milliseconds, the other for what changed since. Rows are then read again as they are needed.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from threading import Lock
from typing import Final, TypeVar

import msgspec
import numpy as np

from online_models.renumbering import Renumbering
from online_models.row_source import Changes
from recommender.head import UserHead
from streams.store import UserStore, UserWrite
from streams.user_shard import StaleOwnerError, UserShard

T = TypeVar("T")

SLICE: Final = 1_000
"""Rows in one write."""


class Changed:
    """What was written since it was last asked."""

    def __init__(self) -> None:
        self._users: set[str] = set()
        self._items: set[int] = set()
        self._gone: list[int] = []
        self._lock = Lock()  # told by the thread that commits, asked by the one that copies

    def note(self, changes: Changes) -> None:
        """Somebody wrote."""
        with self._lock:
            self._users.update(changes.users)
            self._items.update(changes.stats, changes.rows)
            self._gone.extend(changes.gone)

    def __len__(self) -> int:
        return len(self._users) + len(self._items) + len(self._gone)

    def take(self) -> tuple[set[str], set[int], list[int]]:
        """Users and items of which something changed, and items that gave their place up."""
        with self._lock:
            users, self._users = self._users, set()
            items, self._items = self._items, set()
            gone, self._gone = self._gone, []
        return users, items, gone


class NewNumbers:
    """The state of `live`, whose store is `store`, copied under new numbers.

    `reached` is told each moment by name, for tests. Every call may raise `StaleOwnerError`: when somebody else owns
    the partition or copies it too, or when the live state was read again since `begin`, so that not all that changed
    is known.
    """

    def __init__(self, live: UserShard, store: UserStore, reached: Callable[[str], None] = lambda _: None) -> None:
        self._live = live
        self._from = store
        self._to = store.aside()
        self._reached = reached
        self._token = secrets.token_hex(8)
        # A head of its own: whoever clears what lies aside, or writes there too, is noticed.
        self._head = msgspec.json.encode(UserHead(epoch=secrets.token_hex(8)))
        self._head_there: bytes | None = None
        self._changed = Changed()
        self._note = self._changed.note
        self._fresh = Renumbering([])
        self._names: list[str] = []
        self._known = 0

    def begin(self) -> None:
        """Give the numbers; nobody else may use the live shard meanwhile."""
        names = self._live.state.dictionary.names
        self._known = len(names)
        self._fresh = Renumbering(list(names))
        self._names = list(self._fresh.names)
        self._live.follower = self._note
        self._reached("numbers.given")

    @property
    def behind(self) -> int:
        """So many changed rows are not copied yet."""
        return len(self._changed)

    def copy(self) -> None:
        """Copy all there is. What changes meanwhile may be copied as it was or as it is."""
        self._to.clear()  # an earlier try may have left something behind
        self._to.claim(self._token)
        for names in _slices(self._fresh.names):
            self._write(Changes(names=names))
        self._reached("numbers.named")
        self._copy_items(self._fresh.kept.tolist())
        for users in _slices(self._from.all_users()):
            self._write(Changes(users={user: self._fresh.user_row(row) for user, row in users}))
        self._reached("numbers.copied")

    def catch_up(self) -> None:
        """Copy what changed since."""
        users, items, gone = self._changed.take()
        # Names may be there before they are written: if that is refused, the state is read again, and this is over.
        later = self._live.state.dictionary.names[self._known :]
        self._known += len(later)
        self._names += later
        for names in _slices(later):
            self._write(Changes(names=names))
        for some_gone in _slices(self._places(gone)):
            self._write(Changes(gone=some_gone))
            for place in some_gone:
                self._names[place] = ""
        for some in _slices(users):
            rows = zip(some, self._from.user_rows(some), strict=True)
            self._write(Changes(users={user: self._fresh.user_row(row) if row else None for user, row in rows}))
        self._copy_items(items)

    def finish(self) -> None:
        """Copy the rest and swap; nobody else may use the live shard meanwhile."""
        if self._live.follower is not self._note:
            raise StaleOwnerError(f"partition {self._live.partition} was read again")
        self.catch_up()
        self._reached("numbers.swap.before")
        self._live.swap_rows(self._names, self._head)
        self._reached("numbers.swap.after")

    def abandon(self) -> None:
        """Give up: what lies aside stays, and is cleared by the next try."""
        if self._live.follower is self._note:
            self._live.follower = None

    def clear(self) -> None:
        """Remove what lies aside."""
        self._to.clear()

    def _copy_items(self, indexes: Iterable[int]) -> None:
        for some in _slices(indexes):
            found = list(zip(self._places(some), self._from.item_rows(some), strict=True))
            stats = {place: stats for place, (stats, _) in found if stats}
            rows = {place: self._fresh.neighbour_row(row) for place, (_, row) in found if row}
            self._write(Changes(stats=stats, rows=rows))

    def _places(self, indexes: Iterable[int]) -> list[int]:
        places: list[int] = self._fresh.of(np.fromiter(indexes, np.int64)).tolist()
        return places

    def _write(self, changes: Changes) -> None:
        if not self._to.write(self._token, self._head_there, UserWrite(self._head, changes)):
            raise StaleOwnerError(f"partition {self._live.partition}: somebody else writes beside it")
        self._head_there = self._head


def renumber(live: UserShard, store: UserStore) -> None:
    """All of it, where nobody else uses the shard."""
    numbers = NewNumbers(live, store)
    numbers.begin()
    numbers.copy()
    numbers.finish()


def _slices(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while some := list(islice(rest, SLICE)):
        yield some
