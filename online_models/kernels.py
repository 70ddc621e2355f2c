"""The fold's inner loops: item-item counts with order, decayed popularity, rings (numba).

A choice that is ahead of the partition's clock (the first after a quiet night, or one with a wrong time) is kept apart,
in `ahead`, until the clock gets there: if its time was wrong, it has made nothing else look old.

Every sum that others read is a fixed-point integer in units of 1/2520 (the least common multiple
of 1..10, so that an integer weight divided by a distance of up to ten is exact).

The read-out that these counts serve is `readout.py`; the rule is item-item co-occurrence with an
order part: on (u, i, w), for the ring's item h at distance d (newest 0)
    C[h,i] += w;  C[i,h] += w;  T[h,i] += w / (d + 1) for d < 10;  c[i] += w,
where w is a share of the event's weight: the n-th event of a type by one user on one item (within
the user's ring) counts 1/n, and nothing once n passes the cap on one account's influence.

An item whose `tie` is 0 is dead: it gave its place up when there were too many. Rings and rows may
still name it; nothing counts for it any more.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

Array = np.ndarray[Any, Any]

SCALE: Final = 2520
RING: Final = 50
"""How many of a user's newest interactions vote."""
HISTORY: Final = 200
"""How many of a user's newest interactions are kept."""
ORDER_WINDOW: Final = 10
ROW_CAP: Final = 200
"""A neighbour row keeps this many entries; it may fill to twice that, then it is pruned at once."""
ROW_FULL: Final = 2 * ROW_CAP
LIMIT: Final = 2**31 - 1
"""A pair's count saturates here (852,176 units of weight in one partition)."""
MOST_INFLUENCE: Final = 10
"""The largest cap on one account's influence: shares of up to 1/10 are exact in units of 1/2520."""
NOWHERE, NOTED, RINGED, CHOSEN = 0, 1, 2, 3
"""How the events of a type are treated. In the ring: nothing, an entry of the history and no more, an entry that votes
(for the last two). In what trends: nothing, nothing, the event's weight, one."""
GROWTH_PER_EVENT: Final = (RING + 1) * ROW_FULL
"""The arena's largest growth in one event, in entries."""
HALF_LIVES_MS: Final = np.array([3 * 3_600_000, 24 * 3_600_000, 7 * 86_400_000, 30 * 86_400_000], np.float64)


@njit(cache=True, inline="always")
def _saturated(value: Any) -> Any:
    if value > LIMIT:
        return LIMIT
    if value < -LIMIT:
        return -LIMIT
    return value


@njit(cache=True)
def _prune(start: int, entries: Array, ids: Array, tie: Array) -> int:
    """Keep the `ROW_CAP` entries of largest C + 2 T (ties by the ids' hash), none of a dead item; the new length."""
    n = 0
    for k in range(start, start + ROW_FULL):
        if tie[entries[k, 0]] != 0:
            entries[start + n] = entries[k]
            ids[start + n] = ids[k]
            n += 1
    if n <= ROW_CAP:
        return n
    weight = np.empty(n, np.int64)
    for k in range(n):
        weight[k] = np.int64(entries[start + k, 1]) + 2 * np.int64(entries[start + k, 2])
    order = np.argsort(-weight, kind="mergesort")
    # Entries that tie with the last one kept are chosen by hash, which no order of arrival changes.
    last = weight[order[ROW_CAP - 1]]
    kept = np.empty((ROW_CAP, 3), np.int32)
    count = 0
    tied = np.empty(n, np.int64)
    ties = 0
    for k in range(n):
        if weight[k] > last:
            kept[count] = entries[start + k]
            count += 1
        elif weight[k] == last:
            tied[ties] = k
            ties += 1
    hashes = np.empty(ties, np.uint64)
    for k in range(ties):
        hashes[k] = tie[entries[start + tied[k], 0]]
    for k in np.argsort(hashes)[: ROW_CAP - count]:
        kept[count] = entries[start + tied[k]]
        count += 1
    entries[start : start + ROW_CAP] = kept
    ids[start : start + ROW_CAP] = kept[:, 0]
    return ROW_CAP


@njit(cache=True, inline="always")
def _place_of(item: Any, ids: Array, start: Any, n: Any) -> Any:
    """Where an item stands among the `n` ids from `start` on; -1 where it does not.

    Sixteen at a time, all of them looked at: that is what a processor does at once.
    """
    row, sought = ids[start : start + n], np.int32(item)
    blocks = n // 16
    for block in range(blocks):
        hit = np.int32(0)
        for k in range(16):
            hit |= np.int32(row[16 * block + k] == sought)
        if hit != 0:
            for k in range(16):
                if row[16 * block + k] == sought:
                    return start + 16 * block + k
    for k in range(16 * blocks, n):
        if row[k] == sought:
            return start + k
    return -1


@njit(cache=True)
def _add(
    row: Any,
    item: Any,
    c: Any,
    t: Any,
    offset: Array,
    length: Array,
    room: Array,
    entries: Array,
    ids: Array,
    used: Array,
    tie: Array,
) -> None:
    """Add to one entry of one row; the arena must have room (see `GROWTH_PER_EVENT`)."""
    start = offset[row]
    n = length[row]
    k = _place_of(item, ids, start, n)
    if k >= 0:
        entries[k, 1] = _saturated(np.int64(entries[k, 1]) + c)
        entries[k, 2] = _saturated(np.int64(entries[k, 2]) + t)
        return
    if n == room[row]:
        size = 4 if n == 0 else min(2 * n, ROW_FULL)
        fresh = used[0]
        used[0] += size
        used[1] += n
        entries[fresh : fresh + n] = entries[start : start + n]
        ids[fresh : fresh + n] = ids[start : start + n]
        offset[row] = fresh
        room[row] = size
        start = fresh
    entries[start + n, 0] = ids[start + n] = item
    entries[start + n, 1] = _saturated(c)
    entries[start + n, 2] = _saturated(t)
    length[row] = n + 1
    if n + 1 == ROW_FULL:
        length[row] = _prune(start, entries, ids, tie)


@njit(cache=True)
def decayed(value: float, age_ms: float, half_life_ms: float) -> float:
    """`value` after `age_ms`; a value that seems to come from the future counts as of now."""
    if age_ms <= 0.0 or value == 0.0:  # nothing stays nothing, and a power costs what thirty multiplications do
        return value
    return float(value * 2.0 ** (-age_ms / half_life_ms))


@njit(cache=True, inline="always")
def trend(s: Any, k: Any, at: Any, half_life_ms: Any) -> Any:
    """An item's popularity by half-life `k` at an event time in ms; what is ahead of that counts undecayed."""
    past = decayed(s.popularity[k], at - s.popularity_at, half_life_ms)
    return past + decayed(s.ahead[k], at - s.ahead_at, half_life_ms)


@njit(cache=True)
def _touch(
    item: Any,
    code: Any,
    weight: Any,
    share: Any,
    attention: Any,
    when: Any,
    now: Any,
    horizon: Any,
    stats: Array,
) -> None:
    """One event's mark on an item's counts. `when`: its time, never after `horizon`."""
    s = stats[item]
    s.by_type[code] += 1
    s.count += weight
    s.counted += share
    if s.birth == 0 or when < s.birth:
        s.birth = when
    if when > s.last or s.last > horizon:
        s.last = when
    if attention > 0.0:
        if when > now:
            before = min(s.ahead_at, horizon)
            at = max(before, when)
            for k in range(len(HALF_LIVES_MS)):
                s.ahead[k] = decayed(s.ahead[k], at - before, HALF_LIVES_MS[k]) + decayed(
                    attention, at - when, HALF_LIVES_MS[k]
                )
            s.ahead_at = at
            return
        caught_up = s.ahead_at != 0 and s.ahead_at <= now
        for k in range(len(HALF_LIVES_MS)):
            s.popularity[k] = decayed(s.popularity[k], now - s.popularity_at, HALF_LIVES_MS[k]) + decayed(
                attention, now - when, HALF_LIVES_MS[k]
            )
            if caught_up:
                s.popularity[k] += decayed(s.ahead[k], now - s.ahead_at, HALF_LIVES_MS[k])
                s.ahead[k] = 0.0
        s.popularity_at = now
        if caught_up:
            s.ahead_at = 0


@njit(cache=True)
def _repeats(item: Any, code: Any, user: Any, total: Any, ring_item: Array, ring_code: Array) -> int:
    """How often the user's ring has an item with an event of this type."""
    found = 0
    for place in range(min(total, HISTORY)):
        if ring_item[user, place] == item and ring_code[user, place] == code:
            found += 1
    return found


@njit(cache=True)
def _vote(
    item: Any,
    user: Any,
    w: Any,
    total: Any,
    ring_item: Array,
    ring_weight: Array,
    offset: Array,
    length: Array,
    room: Array,
    entries: Array,
    ids: Array,
    used: Array,
    tie: Array,
    row_dirty: Array,
) -> int:
    """Count an event of weight `w` with what is in the user's ring; returns what makes the reading ahead happen."""
    newest = min(total, RING)
    read = 0
    for d in range(newest):
        # Rows lie anywhere in memory: asked for one after another, the first of each comes while the last is awaited.
        read ^= ids[offset[ring_item[user, (total - 1 - d) % HISTORY]]]
    for d in range(newest):
        place = (total - 1 - d) % HISTORY
        h = ring_item[user, place]
        if h == item or ring_weight[user, place] < 0 or tie[h] == 0:
            continue
        t = np.int64(0)
        if d < ORDER_WINDOW:
            t = w // (d + 1) if w > 0 else -((-w) // (d + 1))
        _add(h, item, w, t, offset, length, room, entries, ids, used, tie)
        _add(item, h, w, np.int64(0), offset, length, room, entries, ids, used, tie)
        row_dirty[h] |= 2
        row_dirty[item] |= 2
    return read


@njit(cache=True, nogil=True)  # a partition's arrays are its own: others may be folded meanwhile
def fold(
    begin: int,
    rows: Array,
    weights: Array,
    clock: Array,
    treatment: Array,
    ring_item: Array,
    ring_time: Array,
    ring_weight: Array,
    ring_code: Array,
    ring_total: Array,
    stats: Array,
    offset: Array,
    length: Array,
    room: Array,
    entries: Array,
    ids: Array,
    used: Array,
    tie: Array,
    user_dirty: Array,
    row_dirty: Array,
    influence: int,
) -> int:
    """Fold rows `begin`.. in order; returns where it stopped (the arena is nearly full) or the end.

    rows: [4, n], of each row the event, the user's slot, the item's index, the type's code; weights: [n]. clock:
    [3, events], of each event in ms its own time, and the partition's clock and horizon after it. treatment: [types].
    influence: so many events of one type by one user on one item count, 0 for all of them in full.
    """
    for e in range(begin, len(weights)):
        if used[0] + GROWTH_PER_EVENT > len(entries):
            return e
        event, u, i, code = rows[0, e], rows[1, e], rows[2, e], rows[3, e]
        stamp, now, horizon = clock[0, event], clock[1, event], clock[2, event]
        treated = treatment[code]
        total = ring_total[u]
        w = np.int64(0)
        share = np.int64(0)
        drawn = 0.0
        weight = np.int64(0)
        if treated == NOTED:
            weight = np.int64(-1)  # the least of refusals: in the ring it must not vote, nor tell anything but itself
        elif treated != NOWHERE:
            weight = np.int64(np.rint(weights[e] * SCALE))
            n = 1
            if influence > 0:
                n += _repeats(i, code, u, total, ring_item, ring_code)
            if influence == 0 or n <= influence:
                w = weight // n if weight > 0 else -((-weight) // n)
                share = np.int64(SCALE // n)
                drawn = (1.0 if treated == CHOSEN else max(weights[e], 0.0)) / n
        row_dirty[i] |= 1
        if share == 0 and treated >= RINGED:
            stats[i].by_type[code] += 1
        else:
            # A time ahead of the horizon can't be right.
            _touch(i, code, w, share, drawn, min(stamp, horizon), now, horizon, stats)
        if treated == NOWHERE:
            continue
        if w != 0:
            used[2] ^= _vote(
                i, u, w, total, ring_item, ring_weight, offset, length, room, entries, ids, used, tie, row_dirty
            )
        place = total % HISTORY
        ring_item[u, place] = i
        ring_time[u, place] = stamp
        ring_weight[u, place] = weight
        ring_code[u, place] = code
        ring_total[u] = total + 1
        user_dirty[u] = 1
    return len(weights)
