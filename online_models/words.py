"""A text as a vector without an encoder: its words, the rarer the heavier, and the company they keep.

Half of the vector are the words themselves, and for scripts without spaces the characters and their pairs: hashed to
places and signs (Weinberger et al., "Feature hashing for large scale multitask learning", 2009), each with
(1 + log its count in the text) * log((texts + 1) / (texts with it + 1/2)). The other half is random indexing
(Kanerva, Kristofersson, Holst, "Random indexing of text samples for latent semantic analysis", 2000): each word has a
fixed sparse vector, and the sum of those it was met with; a text's is the weighted mean of the latter's directions, so
that texts of one subject are alike without a word in common. All tables have a fixed size, words share rows by a hash.
Nothing depends on a process or an order but that of the texts themselves.

>>> words = Words()
>>> _ = words.learn("a film about the sea")
>>> sea, ship, cake = (words.learn(text) for text in ("ships at sea", "a ship at sea", "a cake with plums"))
>>> bool(sea @ ship > cake @ ship), words.learn("...") is None
(True, True)
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from online_models.state import State

Floats = npt.NDArray[np.float64]
Array = np.ndarray[Any, Any]

HASHED, COMPANY = 256, 128
"""Length of the two halves."""
WIDTH: Final = HASHED + COMPANY
COUNTERS: Final = 2**16
"""Rows of the table of how many texts have a word."""
CONTEXTS: Final = 2**13
"""Rows of the table of what words were met with."""
MARKS: Final = 4
"""Places of a word's own sparse vector that are not 0."""
LONGEST: Final = 8_000
"""Characters of a text that are read."""
LEAST: Final = 0.05
"""What a word in every text weighs."""
_MIX: Final = np.uint64(0x9E3779B97F4A7C15)
_WORD: Final = re.compile(r"\w+")
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


def terms(text: str) -> Counter[str]:
    """The words of a text, and the characters and pairs of characters where words are not spaced.

    >>> sorted(terms("Das Meer, das 海边"))
    ['das', 'meer', '海', '海边', '边']
    """
    found: Counter[str] = Counter()
    for word in _WORD.findall(text[:LONGEST].lower()):
        spaced = _UNSPACED.sub(" ", word).split()
        found.update(spaced)
        for run in _UNSPACED.findall(word):
            found.update(run)
            found.update(a + b for a, b in pairwise(run))
    return found


class Words:
    """Makes vectors of texts, and learns from each which words are rare and which go together."""

    def __init__(self) -> None:
        self._texts = 0
        self._with = np.zeros(COUNTERS, np.int32)
        self._met = np.zeros((CONTEXTS, COMPANY), np.float32)

    def learn(self, text: str) -> Floats | None:
        """The text's vector [WIDTH] of length 1, after it was counted; None if there is no word in it."""
        found = terms(text)
        if not found:
            return None
        codes = np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in found], np.uint64)
        weights = self._weights(codes, list(found.values()))
        hashed = np.zeros(HASHED)
        np.add.at(hashed, (codes >> np.uint64(16)).astype(np.int64) % HASHED, np.where(codes % 2 == 1, 1, -1) * weights)
        vector = np.concatenate((unit(hashed), unit(self._company(codes, weights))))
        length = float(np.sqrt(vector @ vector))
        return None if length == 0.0 else vector / length

    def _weights(self, codes: Array, times: list[int]) -> Floats:
        self._texts += 1
        rows = (codes % COUNTERS).astype(np.int64)
        np.add.at(self._with, rows, 1)
        rarity = np.log((self._texts + 1.0) / (self._with[rows] + 0.5))
        return np.asarray([1.0 + math.log(each) for each in times] * np.maximum(rarity, LEAST))

    def _company(self, codes: Array, weights: Floats) -> Floats:
        """The direction of what the words were met with until now; they have met one another afterwards."""
        rows = (codes % CONTEXTS).astype(np.int64)
        met = self._met[rows].astype(np.float64)
        lengths = np.sqrt((met * met).sum(axis=1, keepdims=True))
        directions = np.divide(met, lengths, out=np.zeros_like(met), where=lengths > 0.0)
        own = _marks(codes) * weights[:, None]
        together = own.sum(axis=0)
        length = max(float(np.sqrt(together @ together)), 1e-9)
        np.add.at(self._met, rows, ((together - own) / length).astype(np.float32))
        return np.asarray((directions * weights[:, None]).sum(axis=0))

    def state_dict(self) -> State:
        """How many texts there were, how many had each word, and what words were met with; rows of 0 left out."""
        counted, met = np.flatnonzero(self._with), np.flatnonzero(self._met.any(axis=1))
        return {
            "texts": self._texts,
            "counted": counted,
            "with": self._with[counted],
            "known": met,
            "met": self._met[met],
        }

    def load_state(self, state: State) -> None:
        """Take the tables over."""
        self._texts = int(state["texts"])
        self._with[:], self._met[:] = 0, 0.0
        self._with[state["counted"]] = state["with"]
        self._met[state["known"]] = state["met"]


def unit(vector: Floats) -> Floats:
    """`vector` at length 1; zero stays zero."""
    length = float(np.sqrt(vector @ vector))
    return vector / length if length > 0.0 else vector


def _marks(codes: Array) -> Floats:
    """The words' own sparse vectors, [n, COMPANY]."""
    marks = np.zeros((len(codes), COMPANY))
    each = np.arange(len(codes))
    for turn in range(MARKS):
        mixed = (codes + np.uint64(turn + 1)) * _MIX
        mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX
        sign = np.where((mixed >> np.uint64(20)) % np.uint64(2) == 1, 1.0, -1.0)
        marks[each, (mixed >> np.uint64(32)).astype(np.int64) % COMPANY] += sign
    return marks
