"""The settings in force, and where each came from; light, so that commands can name it before they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from coldspring.settings import Settings

Origin = Literal["default", "environment", "option", "running system"]


@dataclass(frozen=True, slots=True)
class Configuration:
    """Settings, and where each value came from."""

    settings: Settings
    origins: Mapping[str, Origin]

    def given(self, name: str) -> bool:
        """Whether somebody chose this value: by an option or in the environment."""
        return self.origins[name] in ("option", "environment")

    def over(self, origin: Origin, **values: Any) -> Configuration:
        """The same with other values for what nobody chose."""
        wanted = {name: value for name, value in values.items() if not self.given(name)}
        return Configuration(self.settings.model_copy(update=wanted), {**self.origins, **dict.fromkeys(wanted, origin)})

    def shown(self) -> dict[str, dict[str, Any]]:
        """Setting -> {"value", "origin"}; the password of a Redis address is not shown."""
        values = self.settings.model_dump(mode="json")
        values["item_partitions"] = self.settings.items_partitions
        values["redis"] = without_password(self.settings.redis)
        return {name: {"value": value, "origin": self.origins[name]} for name, value in values.items()}


def without_password(url: str) -> str:
    """A Redis address that can be shown.

    >>> without_password("redis://me:secret@host:6379/0")
    'redis://me:***@host:6379/0'
    """
    scheme, separator, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    if not at:
        return url
    user = login.partition(":")[0]
    return f"{scheme}{separator}{user}:***@{place}"
