"""What may happen to workers and stores: the events of a story."""

from __future__ import annotations

from dataclasses import dataclass

from faust.types import TP

from online_models.caps import Caps


@dataclass(frozen=True, slots=True)
class Take:
    """A worker gets up to `size` records, `shift` before where it thinks it is; `fault` happens on the way."""

    worker: int
    place: TP
    size: int = 1_000
    shift: int = 0
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """A partition of users or of items goes to a worker; the one before may not hear of it."""

    of_items: bool
    partition: int
    worker: int
    told: bool = True


@dataclass(frozen=True, slots=True)
class Restart:
    """A worker is killed between batches and starts again."""

    worker: int


@dataclass(frozen=True, slots=True)
class Store:
    """`keep`: all that is written so far is safe; `lose`: what came since is gone; `flush`: all is gone."""

    what: str


@dataclass(frozen=True, slots=True)
class Unlearn:
    """A worker folds a partition anew, as after a forget; `fault` happens on the way."""

    worker: int
    partition: int
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Renumber:
    """A worker goes one step on with giving a partition's items other numbers; `fault` happens on the way."""

    worker: int
    partition: int
    fault: str | None = None


Event = Take | Move | Restart | Store | Unlearn | Renumber


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is bounded, small enough for small logs to reach it."""

    dedupe: int = 100_000
    in_hand: int = 100_000
    caps: Caps | None = None
