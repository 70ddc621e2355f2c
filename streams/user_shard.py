"""One partition of users: what a batch of its topics does to the state, up to the guarded write.

A batch goes through three calls, so that dead letters can be written in between: `fold` (pure
work on the state in hand), then the caller publishes `Step.dead` and `Step.learned`, then
`commit`. If anything fails on the way, `reopen` throws the state in hand away and reads it again.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from online_models.caps import Caps
from online_models.dedupe import live_chunks
from online_models.partition_state import PartitionState
from online_models.renumbering import most_numbers
from online_models.row_source import Changes
from recommender.event_types import EventTypes
from recommender.events import Forget, Interaction, Profile, decode_profile, encode
from recommender.head import FORMAT, Mark, UserHead, decode_user_head, went_back
from recommender.reasons import DeadLetter
from recommender.tombstones import Tombstones
from streams import intake
from streams.batch import Batch
from streams.store import UserStore, UserWrite

logger = logging.getLogger(__name__)


class StaleOwnerError(Exception):
    """The write was refused: another process owns the partition, or the store went back."""


@dataclass(slots=True)
class Step:
    """A folded batch that is not yet written."""

    head: UserHead
    write: UserWrite
    dead: list[DeadLetter] = field(default_factory=list)
    learned: list[Interaction] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    aliases: list[Forget] = field(default_factory=list)
    """Ids that were the same person as somebody forgotten: to be forgotten too, maybe by another partition."""


class UserShard:
    """State and position of one partition of `interactions`, `profiles` and `forgets`."""

    def __init__(
        self,
        partition: int,
        partitions: int,
        store: UserStore,
        types: EventTypes,
        token: str,
        forget_key: bytes,
        dedupe: int = 100_000,
        max_users: int = 100_000,
        caps: Caps | None = None,
    ) -> None:
        self.partition = partition
        self._partitions = partitions
        self._store = store
        self._types = types
        self._token = token
        self._forget_key = forget_key
        self._dedupe = dedupe
        self._max_users = max_users
        self._caps = caps or Caps()
        self._head_bytes: bytes | None = None
        self.head = UserHead()
        self.tombstones = Tombstones(forget_key)
        self.state = self._empty()
        self.is_open = False
        self.behind: set[str] = set()
        """Topics that the store held more of before: whoever reads them must go back to where the state ends."""
        self.follower: Callable[[Changes], None] | None = None
        """Told after each write what it changed, until the state is read again."""

    def reopen(self) -> None:
        """Claim the partition and take its state in hand from the store."""
        self.is_open = False
        self.follower = None
        self._store.claim(self._token)
        loaded = self._store.load(self._dedupe)
        head = decode_user_head(loaded.head)
        if head.format != FORMAT:
            raise ValueError(f"stored state has format {head.format}, this version reads {FORMAT}")
        if loaded.head and head.types != list(self._types.names):
            raise ValueError(
                f"the state was learned with the interaction types {', '.join(head.types)}; "
                f"now configured: {', '.join(self._types.names)}"
            )
        tombstones = Tombstones(self._forget_key, self._store.tombstones())
        if tombstones.table and head.forget_key != tombstones.key_id:
            logger.warning(
                "partition %d: users were forgotten under another key than the one set now; who they are is read from "
                "the topic of forgets again. Give every worker the same forget key",
                self.partition,
            )
            tombstones.table.clear()
            head = msgspec.structs.replace(head, unlearned=0, forget_key=tombstones.key_id)
        self.behind |= went_back(self.head, head)
        self._head_bytes, self.head, self.tombstones = loaded.head, head, tombstones
        self.state = self._empty()
        self.state.restore(loaded.names, head.clock, head.accepted, loaded.chunks, loaded.queue)
        self.is_open = True

    def _empty(self) -> PartitionState:
        return PartitionState(
            self._types, self._store, self._dedupe, self._max_users, self.tombstones.until, self._caps
        )

    @property
    def owes_unlearning(self) -> bool:
        """Are there forgotten users whose events still count?"""
        return self.head.unlearned < self.next_offset("forgets")

    @property
    def owes_numbers(self) -> bool:
        """Have so many items left that those which stay should be numbered anew (`new_numbers`)?"""
        return len(self.state.dictionary) > most_numbers(self._caps)

    def is_news(self, forget: Forget) -> bool:
        """Was this user not forgotten up to then already?"""
        return self.tombstones.until(forget.user_id) < forget.timestamp

    def remember(self, tombstones: Tombstones) -> None:
        """Take over who was forgotten from another state of this partition; this one is new."""
        types = list(self._types.names)
        head = msgspec.structs.replace(self.head, forget_key=tombstones.key_id, types=types)
        write = UserWrite(msgspec.json.encode(head), tombstones=tombstones.table.copy())
        self.tombstones = Tombstones(self._forget_key, write.tombstones)
        self.state = self._empty()
        self.commit(Step(head, write))

    def mark_made_anew(self) -> bytes:
        """Say that this state's item numbers are its own, not those of the state that it follows; returns the head."""
        head = msgspec.structs.replace(self.head, epoch=secrets.token_hex(8))
        data = msgspec.json.encode(head)
        self.commit(Step(head, UserWrite(data)))
        return data

    def swap(self, head: bytes) -> None:
        """Take the state that lies aside, with this head; raises `StaleOwnerError` if the guard refuses."""
        if not self._store.swap(self._token, self._head_bytes, head):
            raise StaleOwnerError(f"partition {self.partition} at {self.head.next}")
        self.reopen()

    def swap_rows(self, names: Sequence[str], aside_head: bytes) -> None:
        """Take the rows that lie aside, of this same state under other item numbers; `names`: the items by them.

        Raises
        ------
        StaleOwnerError
            When the guard refuses.
        """
        types = list(self._types.names)
        head = msgspec.structs.replace(self.head, epoch=secrets.token_hex(8), names=len(names), types=types)
        data = msgspec.json.encode(head)
        if not self._store.swap_rows(self._token, self._head_bytes, data, aside_head):
            raise StaleOwnerError(f"partition {self.partition} at {self.head.next}")
        self.head, self._head_bytes, self.follower = head, data, None
        self.state.number_anew(names)

    @property
    def guard(self) -> tuple[bytes | None, bytes]:
        """Head and owner that the store must hold for the next write to be taken."""
        return self._head_bytes, self._token.encode()

    def next_offset(self, topic: str) -> int:
        """The next offset of a topic that the state does not include yet."""
        return self.head.next.get(topic, 0)

    def fold(self, kind: str, batch: Batch) -> Step:
        """Fold a batch of `interactions`, `profiles` or `forgets` into the state in hand.

        Records before the state's position are left out: they are in it already.
        """
        self.is_open = False  # until the commit the state in hand is ahead of the store
        position = self.next_offset(kind)
        records = [record for record in batch.records if record.offset >= position]
        source = intake.Source(batch.topic, self.partition, self._partitions)
        if kind == "interactions":
            step = self._interactions(source, records)
        elif kind == "profiles":
            step = self._profiles(source, records)
        else:
            step = self._forgets(source, records, max(batch.next, position))
        marks = dict(self.head.marks)
        if records:
            marks[kind] = mark_of(records[-1])
        step.head = msgspec.structs.replace(
            step.head,
            next={**self.head.next, kind: max(batch.next, position)},
            accepted=self.state.seen_ids.accepted,
            names=len(self.state.dictionary),
            clock=self.state.clock.times,
            types=list(self._types.names),
            marks=marks,
        )
        write = step.write
        write.changes = self.state.take_changes()
        write.accepted_before = self.head.accepted
        write.first_chunk = live_chunks(step.head.accepted, self._dedupe).start
        write.head = msgspec.json.encode(step.head)
        kept = (user for user, row in write.changes.users.items() if row is not None)
        step.touched = [user for user in {**dict.fromkeys(kept), **write.profiles} if user not in write.forgotten]
        return step

    def commit(self, step: Step) -> None:
        """Write the step whole; raises `StaleOwnerError` if the guard refuses."""
        if not self._store.write(self._token, self._head_bytes, step.write):
            raise StaleOwnerError(f"partition {self.partition} at {self.head.next}")
        self.head, self._head_bytes = step.head, step.write.head
        if self.follower is not None:
            self.follower(step.write.changes)
        self.is_open = True

    def _interactions(self, source: intake.Source, records: Sequence[intake.Record]) -> Step:
        checked = intake.interactions(source, records, self._types)
        folded = self.state.fold(checked.events)
        head = msgspec.structs.replace(
            self.head,
            applied=self.head.applied + len(folded.learned),
            duplicates=self.head.duplicates + folded.duplicates,
            forgotten=self.head.forgotten + folded.forgotten,
            dead_letters=self.head.dead_letters + len(checked.dead),
        )
        return Step(head, UserWrite(b""), checked.dead, folded.learned)

    def _profiles(self, source: intake.Source, records: Sequence[intake.Record]) -> Step:
        checked = intake.profiles(source, records)
        changed: dict[str, bytes | None] = {}
        aliases: list[Forget] = []
        for event in checked.events:
            if not isinstance(event, Profile):
                changed[event.identity] = None
            elif event.timestamp > (until := self.tombstones.until(event.user_id)):
                changed[event.user_id] = encode(event)
            else:
                aliases.extend(Forget(alias, until) for alias in event.same_as)
        return Step(self.head, UserWrite(b"", profiles=changed), checked.dead, aliases=aliases)

    def _forgets(self, source: intake.Source, records: Sequence[intake.Record], following: int) -> Step:
        """Erase at once; what these users' events added to the counts is taken back by a rebuild (`rebuild.py`)."""
        checked = intake.forgets(source, records)
        news = [forget.user_id for forget in checked.events if self.tombstones.bury(forget.user_id, forget.timestamp)]
        users = list(dict.fromkeys(news))
        changed: dict[str, bytes | None] = {}
        aliases: list[Forget] = []
        for user_id, stored in zip(users, self._store.profiles(users), strict=True):
            until = self.tombstones.until(user_id)
            self.state.erase(user_id, until)
            if stored and (profile := decode_profile(stored)).timestamp <= until:
                changed[user_id] = None
                aliases.extend(Forget(alias, until) for alias in profile.same_as)
        head = msgspec.structs.replace(self.head, forget_key=self.tombstones.key_id)
        # An earlier profile may come back to light, or name somebody who was the same person: it counts as read too.
        is_untouched = not self.next_offset("interactions") and not self.next_offset("profiles")
        if not self.owes_unlearning and (not users or is_untouched):
            head = msgspec.structs.replace(head, unlearned=following)
        names = {self.tombstones.name(user): self.tombstones.until(user) for user in users}
        write = UserWrite(b"", profiles=changed, forgotten=users, tombstones=names)
        return Step(head, write, checked.dead, aliases=aliases)


def mark_of(record: intake.Record) -> Mark:
    """The fingerprint of a record."""
    digest = hashlib.sha256(record.value or b"").hexdigest()[:32]
    return Mark(record.offset, record.timestamp, digest)
