"""Names of what is kept in Redis.

All keys of one partition carry its hash tag, so a cluster keeps them on one node, and all lie
under the Kafka cluster's id: another log never meets this log's state.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UserKeys:
    """Keys of one partition of `interactions`, `profiles` and `forgets`.

    head       what the guard compares: positions, counters, fingerprints
    owner      the token of the process that may write
    users      hash: user_id -> user row (ring, refusals)
    profiles   hash: user_id -> profile
    interests  hash: user_id -> interest vectors (a view)
    shown      hash: user_id -> the lists shown to them lately (a view, `recommender.fatigue`)
    queue      list: "<interactions then> <user_id>", in the order in which they are looked at when there are too many
    names      list: item ids by local index, "" where an item gave its place up
    stats      hash: local index -> the item's counts
    rows       hash: local index -> the item's neighbour row
    ids        prefix of the chunks of accepted event ids
    tombstones hash: keyed hash of a forgotten user -> event time up to which
    unlearning how far the rebuild after a forget has come (JSON)
    changes    stream: local indexes touched, batch by batch (for the readers' views)
    passages   list: the newest stretches of the log with the times of their stages (`recommender.passages`)
    """

    base: str

    @property
    def head(self) -> str:
        return f"{self.base}:head"

    @property
    def owner(self) -> str:
        return f"{self.base}:owner"

    @property
    def users(self) -> str:
        return f"{self.base}:users"

    @property
    def profiles(self) -> str:
        return f"{self.base}:profiles"

    @property
    def interests(self) -> str:
        return f"{self.base}:interests"

    @property
    def shown(self) -> str:
        return f"{self.base}:shown"

    @property
    def queue(self) -> str:
        return f"{self.base}:queue"

    @property
    def names(self) -> str:
        return f"{self.base}:names"

    @property
    def stats(self) -> str:
        return f"{self.base}:stats"

    @property
    def rows(self) -> str:
        return f"{self.base}:rows"

    @property
    def passages(self) -> str:
        return f"{self.base}:passages"

    @property
    def changes(self) -> str:
        return f"{self.base}:changes"

    @property
    def tombstones(self) -> str:
        return f"{self.base}:tombstones"

    @property
    def unlearning(self) -> str:
        return f"{self.base}:unlearning"

    @property
    def state(self) -> list[str]:
        """What is folded from the log, but for the head and the chunks of event ids."""
        return [self.users, self.profiles, self.queue, self.names, self.stats, self.rows, self.tombstones]

    @property
    def numbered(self) -> list[str]:
        """Where local item numbers are."""
        return [self.users, self.names, self.stats, self.rows]

    @property
    def aside(self) -> UserKeys:
        """The same keys for a state that is being made beside the live one, on the same node."""
        return UserKeys(f"{self.base}:aside")

    def ids(self, chunk: int | str) -> str:
        return f"{self.base}:ids:{chunk}"


@dataclass(frozen=True, slots=True)
class ItemKeys:
    """Keys of one partition of `items`: head, owner, the live items, their life, the changes, and the passages."""

    base: str

    @property
    def head(self) -> str:
        return f"{self.base}:head"

    @property
    def owner(self) -> str:
        return f"{self.base}:owner"

    @property
    def items(self) -> str:
        return f"{self.base}:items"

    @property
    def life(self) -> str:
        return f"{self.base}:life"

    @property
    def passages(self) -> str:
        return f"{self.base}:passages"

    @property
    def changes(self) -> str:
        return f"{self.base}:changes"

    def vectors(self, space: str) -> str:
        return f"{self.base}:vectors:{space}"


@dataclass(frozen=True, slots=True)
class Keys:
    """All key names of a deployment.

    >>> Keys("abc", "shop.").users(2).head
    'coldspring:abc:shop.:{u2}:head'
    """

    cluster: str
    prefix: str = ""

    @property
    def root(self) -> str:
        return f"coldspring:{self.cluster}:{self.prefix}"

    def users(self, partition: int) -> UserKeys:
        """Keys of a partition of users."""
        return UserKeys(f"{self.root}:{{u{partition}}}")

    def items(self, partition: int) -> ItemKeys:
        """Keys of a partition of items."""
        return ItemKeys(f"{self.root}:{{i{partition}}}")

    def trainer(self, name: str) -> str:
        """What the trainer publishes.

        weights    JSON: `{"version": n, "names": [...], "weights": [[...] by history bucket]}`
        quality    JSON: live hit rates by model
        mf_users   hash: user_id -> float64 little-endian: the user's bias, then the factors
        mf_items   hash: item_id -> the same for an item
        mf_changed sorted set: item_id -> the turn of the trainer's writing that last changed its row
        click_model JSON: the click model's weights, as `online_models.click_weights` reads them
        context    JSON: what is liked in which context (`online_models.context_trends`)
        mf         JSON: `{"version": n, "mean": the global mean, "factors": k}`
        """
        return f"{self.root}:{{trainer}}:{name}"

    @property
    def rewritten(self) -> str:
        """The run of the Redis server whose files were last rewritten because it had restarted."""
        return f"{self.root}:rewritten"

    @property
    def pulses(self) -> str:
        """Hash: `<role>:<token>` -> the figures that a process (worker, trainer, ...) tells of itself, JSON."""
        return f"{self.root}:pulses"

    @property
    def space(self) -> str:
        """The id of the vector space that is served now."""
        return f"{self.root}:space"
