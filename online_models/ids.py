"""Dense positions for ids.

>>> ids = Ids()
>>> ids.add("i9"), ids.add("i7"), ids.add("i9"), ids.find("i3")
(0, 1, 0, None)
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable


class Ids:
    """Ids in the order they came, each with its position."""

    def __init__(self, names: Iterable[Hashable] = ()) -> None:
        self.names: list[Hashable] = list(names)
        self._positions = {name: position for position, name in enumerate(self.names)}

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: Hashable) -> bool:
        return name in self._positions

    def add(self, name: Hashable) -> int:
        """The position of `name`, which gets the next one if it is new."""
        position = self._positions.setdefault(name, len(self.names))
        if position == len(self.names):
            self.names.append(plain(name))
        return position

    def find(self, name: Hashable) -> int | None:
        """The position of `name`, or None; nothing is kept."""
        return self._positions.get(name)


def plain(name: Hashable) -> Hashable:
    """`name` as JSON can hold it: NumPy's integers become Python's."""
    return name if isinstance(name, str) else int(name)  # type: ignore[call-overload]
