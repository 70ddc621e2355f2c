"""Finding the system that runs on this machine: the note that `up` and `demo` leave in the data folder.

An embedded system's broker and store have ports of the moment; other shells learn them here.
"""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coldspring.configuration import Configuration

NOTE = "running.json"
FOUND = ("http", "bootstrap", "redis", "prefix", "partitions", "item_partitions", "cluster", "encoder_url")


def write_note(folder: Path, config: Configuration) -> None:
    """Tell other shells of this process's system."""
    folder.mkdir(parents=True, exist_ok=True)
    values = config.settings.model_dump(mode="json", include=set(FOUND))
    fresh = folder / f"{NOTE}.{secrets.token_hex(4)}"
    fresh.write_text(json.dumps({**values, "pid": os.getpid()}))
    # An address may hold a password.
    fresh.chmod(0o600)
    fresh.replace(folder / NOTE)


def remove_note(folder: Path) -> None:
    """Take back this process's note; a later system's stays."""
    if _read(folder).get("pid") == os.getpid():
        (folder / NOTE).unlink(missing_ok=True)


def discover(config: Configuration) -> Configuration:
    """The configuration with the running system's addresses, where nobody chose others."""
    note = _read(config.settings.data)
    if not note or not alive(note["pid"]):
        return config
    # Somebody who names another system by one of its addresses means none of this one's.
    if any(config.given(name) and str(note.get(name)) != str(getattr(config.settings, name))
           for name in ("http", "bootstrap", "redis", "prefix")):  # fmt: skip
        return config
    return config.over("running system", **{name: note[name] for name in FOUND if note.get(name) is not None})


def _read(folder: Path) -> dict[str, Any]:
    try:
        note = json.loads((folder / NOTE).read_text())
    except (OSError, ValueError):
        return {}
    return note if isinstance(note, dict) and isinstance(note.get("pid"), int) else {}


def alive(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
