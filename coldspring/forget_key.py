"""The secret under which forgotten users are remembered: a file beside the snapshots, never in the store."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from coldspring.errors import CommandError
from recommender.tombstones import KEY_BYTES


def forget_key(path: Path) -> bytes:
    """The key in this file; a file that is not there is made, for its owner's eyes only.

    Raises
    ------
    CommandError: when the file is there and holds no key, or can't be read.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise CommandError(f"the forget key {path} can't be made: {error.strerror}") from None
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise CommandError(f"the forget key {path} can't be read: {error.strerror}") from None
    if len(key) < KEY_BYTES:
        raise CommandError(f"the forget key {path} has {len(key)} bytes, at least {KEY_BYTES} are needed")
    return key
