"""The digest: SHA-256 over what is folded from the events, in an order that only ids decide.

Not in it: positions, counters, clocks, dead letters, and whatever is derived or learned across
partitions (contract section 3). Local item numbers are replaced by the items' places in the
sorted ids, so the order in which a log first named them does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from online_models.rings import UserRow
from recommender.head import decode_user_head
from streams.store import ItemStore, UserStore

Array = np.ndarray[Any, Any]


def digest(user_stores: Sequence[UserStore], item_stores: Sequence[ItemStore], types: Sequence[str]) -> str:
    """`sha256:<64 hex>` over all partitions; `types` are the configured interaction types."""
    total = hashlib.sha256(b"coldspring state 1")
    for text in (str(len(user_stores)), str(len(item_stores)), *types):
        _feed(total, text.encode())
    for users in user_stores:
        total.update(partition_digest(users))
    for items in item_stores:
        part = hashlib.sha256()
        for item_id, data in sorted((name.encode(), data) for name, data in items.all_items()):
            _feed(part, item_id)
            _feed(part, data)
        total.update(part.digest())
    return f"sha256:{total.hexdigest()}"


def partition_digest(store: UserStore) -> bytes:
    """The 32 bytes of one partition of users: rings, refusals, profiles, counts, rows."""
    loaded = store.load(0)
    names = [name.encode() for name in loaded.names[: decode_user_head(loaded.head).names]]
    # An item that gave its place up has no name and no rank: nothing that still names it counts.
    order = sorted((index for index, name in enumerate(names) if name), key=names.__getitem__)
    rank = np.full(len(names) or 1, -1, "<i4")
    rank[order] = np.arange(len(order))
    part = hashlib.sha256()
    for index in order:
        _feed(part, names[index])
    for user_id, data in _by_id(store.all_users()):
        row = UserRow.from_bytes(data)
        if row.total or row.refused:
            _feed(part, user_id)
            _feed_user(part, row, rank)
    for user_id, data in _by_id(store.all_profiles()):
        _feed(part, user_id)
        _feed(part, data)
    items = {index: (stats, row) for index, stats, row in store.all_item_rows()}
    for index in order:
        stats, neighbours = items.get(index, (None, None))
        _feed(part, stats or b"")
        _feed(part, _sorted_row(neighbours or b"", rank))
    return part.digest()


def _by_id(rows: Iterable[tuple[str, bytes]]) -> list[tuple[bytes, bytes]]:
    return sorted((name.encode(), data) for name, data in rows)


def _feed(part: Any, data: bytes) -> None:
    part.update(len(data).to_bytes(4, "little"))
    part.update(data)


def _feed_user(part: Any, row: UserRow, rank: Array) -> None:
    _feed(part, row.total.to_bytes(8, "little"))
    ranks = rank[row.items]
    for column in (ranks.astype("<i4"), row.times, row.weights, row.codes):
        _feed(part, column[ranks >= 0].tobytes())
    refused = sorted((int(rank[item]), kind) for item, kind in row.refused.items() if rank[item] >= 0)
    _feed(part, np.array(refused, "<i4").tobytes())


def _sorted_row(data: bytes, rank: Array) -> bytes:
    row = np.frombuffer(data, "<i4").reshape(-1, 3)
    if not len(row):
        return b""
    row = row[rank[row[:, 0]] >= 0]
    ranks = rank[row[:, 0]]
    row = np.column_stack((ranks, row[:, 1:]))
    return row[np.argsort(ranks)].astype("<i4").tobytes()
