"""What items are about: by the vectors they were given, and by the words of their texts where they have none.

>>> content = ItemContent()
>>> for item, text in enumerate(("ships at sea", "a ship at sea", "cakes with plums", "plum cakes")):
...     content.put(item, text=text)
>>> likeness = content.likeness(np.array([0]), np.array([1, 2]))
>>> bool(likeness[0, 0] > likeness[1, 0])
True
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from online_models.state import State, nested, part
from online_models.vector_space import Floats, Indexes, VectorSpace
from online_models.words import Words


class ItemContent:
    """Two spaces, of given vectors and of hashed words; an item is in one of them, and a given vector wins."""

    def __init__(self) -> None:
        self.vectors = VectorSpace()
        self.texts = VectorSpace()
        self.words = Words()

    def check(self, vector: npt.ArrayLike) -> None:
        """Raise ValueError for a vector that does not fit."""
        self.vectors.unit(vector)

    def put(self, item: int, vector: npt.ArrayLike | None = None, text: str | None = None) -> None:
        """Set what an item is about; raises ValueError for a vector that does not fit."""
        if vector is not None:
            self.vectors.put(item, vector)
        elif text and not self.vectors.has(np.array([item]))[0]:
            words = self.words.learn(text)
            if words is not None:
                self.texts.put(item, words)

    def likeness(self, ring: Indexes, items: Indexes) -> Floats:
        """Cosines to a user's interests, [n, 3], as `likeness_of` has them; `ring` is newest first."""
        found = self.vectors.likeness(ring, items)
        if len(self.texts):
            by_words = self.texts.likeness(ring, items)
            found = np.where(self.vectors.has(items)[:, None], found, by_words)
        return found

    def near(self, items: Indexes, most: int) -> npt.NDArray[Any]:
        """The `most` nearest of each of some items, all together."""
        return np.concatenate((self.vectors.near(items, most), self.texts.near(items, most)))

    def state_dict(self, items: int) -> State:
        """Both spaces, of items 0 to `items` - 1, and the words' counts."""
        return {
            **nested("vectors", self.vectors.state_dict(items)),
            **nested("texts", self.texts.state_dict(items)),
            **nested("words", self.words.state_dict()),
        }

    def load_state(self, state: State) -> None:
        """Take the state over."""
        self.vectors.load_state(part("vectors", state))
        self.texts.load_state(part("texts", state))
        self.words.load_state(part("words", state))
