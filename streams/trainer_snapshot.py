"""The trainer's snapshot: one file, replaced whole, that belongs to one cluster's log."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from online_models.state import pack, unpack

logger = logging.getLogger(__name__)

FORMAT = 2
"""Of what is saved; to be raised whenever a model's state changes its shape."""


class TrainerSnapshot:
    """A file, or none. `root` names the log whose examples were learned."""

    def __init__(self, path: Path | None, root: str) -> None:
        self._path = path
        self._root = root

    @property
    def kept(self) -> bool:
        """Is there a file to write to?"""
        return self._path is not None

    def save(self, state: Mapping[str, Any]) -> None:
        """Put a state in the place of the last one; does nothing without a file."""
        if self._path is None:
            return
        draft = self._path.with_suffix(".part")
        with draft.open("wb") as file:
            file.write(pack({**state, "cluster": self._root, "format": FORMAT}))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)

    def load(self) -> dict[str, Any] | None:
        """The last state that was saved; None where there is none of this log that can be read."""
        if self._path is None or not self._path.exists():
            return None
        try:
            state = unpack(self._path.read_bytes())
        except ValueError as error:
            logger.warning("the trainer's snapshot cannot be read (%s); learning the examples anew", error)
            return None
        if state.get("format") != FORMAT:
            logger.info("the trainer's snapshot is of another version; learning the examples anew")
            return None
        if state["cluster"] != self._root:
            logger.info("the trainer's snapshot is of another log; learning the examples anew")
            return None
        return state
