"""Earlier states of a running system: its log, its settings and its checkpoints put together."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from coldspring.wiring import caps, event_types, topics

if TYPE_CHECKING:
    from coldspring.settings import Settings
    from streams.checkpoint import Checkpoints
    from streams.log_source import LogSource
    from streams.past import MakeShard, Past, PastPartition


def past(settings: Settings, cluster: str, log: LogSource) -> Past:
    """The past of the system with these settings."""
    from streams.past import Past

    return Past(log, topics(settings), make_shard(settings), checkpoints(settings, cluster))


def make_shard(settings: Settings) -> MakeShard:
    """Makes shards that fold as this system's workers do."""
    from streams.store import UserStore
    from streams.user_shard import UserShard

    types, kept = event_types(settings), caps(settings)
    # Who was forgotten is read from the log each time and never stored under this key.
    key = secrets.token_bytes(32)

    def make(partition: int, store: UserStore) -> UserShard:
        return UserShard(partition, settings.partitions, store, types, "past", key, settings.dedupe, caps=kept)

    return make


def checkpoints(settings: Settings, cluster: str) -> Checkpoints:
    """The checkpoints of this system's partitions."""
    from streams.checkpoint import Checkpoints

    return Checkpoints(checkpoint_folder(settings, cluster), f"{cluster}/{settings.prefix}", fold_settings(settings))


def checkpoint_folder(settings: Settings, cluster: str) -> Path:
    """Where the checkpoints of a log lie."""
    return (settings.checkpoints or settings.data / "checkpoints") / f"{cluster}.{settings.prefix}".rstrip(".")


def fold_settings(settings: Settings) -> str:
    """A name for every setting that the fold depends on: under other settings a checkpoint is another state."""
    types = event_types(settings)
    kept = [settings.max_users, settings.max_items, settings.influence]
    told = [settings.partitions, settings.dedupe, kept, sorted(types.weights.items())]
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


def write_checkpoints(
    settings: Settings, cluster: str, log: LogSource, told: Callable[[int, int], None] = lambda *_: None
) -> list[dict[str, Any]]:
    """Write checkpoints of every partition at the shares of its log that are worth keeping.

    Parameters
    ----------
    told: called with the partition and the records folded so far.

    Returns
    -------
    For each partition `{"partition", "positions", "bytes", "folded"}`.
    """
    from streams.checkpoint import SHARES

    here, held = past(settings, cluster, log), checkpoints(settings, cluster)
    report = []
    for partition in range(settings.partitions):
        end = log.bounds(topics(settings).interactions, partition)[1]
        folded = 0
        for position in sorted({int(share * end) for share in SHARES}):
            if position and position not in held.positions(partition):
                made = here.partition(partition, position)
                folded += made.folded
                here.save(partition, made)
                told(partition, folded)
        files = held.files(partition)
        report.append(
            {
                "partition": partition,
                "positions": held.positions(partition),
                "bytes": sum(file.stat().st_size for file in files),
                "folded": folded,
            }
        )
    return report


def states_at(
    here: Past, positions: list[int], save_after: int = 20_000, each: Callable[[PastPartition], None] = lambda _: None
) -> list[PastPartition]:
    """Every partition at a position; a fold of more than `save_after` records leaves a checkpoint behind."""
    made = []
    for partition, position in enumerate(positions):
        one = here.partition(partition, position, reached=each)
        if one.folded > save_after:
            here.save(partition, one)
        made.append(one)
    return made
