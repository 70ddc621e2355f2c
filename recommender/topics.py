"""The topics: their names, partitions, cleanup and retention (contract section 1)."""

from __future__ import annotations

from dataclasses import dataclass, field

_USER_TOPICS = ("interactions", "profiles", "forgets")
_FOREVER = {"retention.ms": "-1", "cleanup.policy": "delete"}
_WEEK = {"retention.ms": str(7 * 24 * 3600 * 1000), "cleanup.policy": "delete"}
_COMPACT = {"cleanup.policy": "compact"}

_CONFIG: dict[str, dict[str, str]] = {
    "interactions": _FOREVER,
    "items": _COMPACT,
    "profiles": _COMPACT,
    "forgets": _FOREVER,
    "item-vectors": _COMPACT,
    "recommend-requests": _WEEK,
    "recommendations": _WEEK,
    "decisions": _WEEK,
    "examples": _WEEK,
    "blend-weights": _COMPACT,
    "control": _WEEK,
    "dead-letters": {"retention.ms": "-1", "cleanup.policy": "delete"},
}
_SINGLE = ("examples", "blend-weights", "control")  # one trainer at a time


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as it must exist before any worker reads."""

    name: str
    partitions: int
    config: dict[str, str]


@dataclass(frozen=True, slots=True)
class Topics:
    """All topics of a deployment; `prefix` is put before every name as it is.

    >>> Topics(prefix="shop.").interactions
    'shop.interactions'
    """

    prefix: str = ""
    partitions: int = 4
    item_partitions: int = 4
    overrides: dict[str, dict[str, str]] = field(default_factory=dict)

    def name(self, topic: str) -> str:
        """The full name of one of the contract's topics."""
        if topic not in _CONFIG:
            raise KeyError(f"no such topic: {topic}; there are {', '.join(_CONFIG)}")
        return self.prefix + topic

    def __getattr__(self, attribute: str) -> str:
        try:
            return self.name(attribute.replace("_", "-"))
        except KeyError as error:
            raise AttributeError(str(error)) from None

    def count(self, topic: str) -> int:
        """How many partitions a topic has."""
        if topic in _USER_TOPICS:
            return self.partitions
        return 1 if topic in _SINGLE else self.item_partitions

    def all(self) -> list[Topic]:
        """Every topic with its partitions and configuration."""
        return [
            Topic(self.name(topic), self.count(topic), {**config, **self.overrides.get(topic, {})})
            for topic, config in _CONFIG.items()
        ]
