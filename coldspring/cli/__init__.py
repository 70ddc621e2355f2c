"""The command line: one file a noun, loaded when its command runs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

FAILED = 1
WRONG_USE = 2


def main() -> None:
    """Entry point of the command `coldspring`."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    # What libraries log on the way to a failure is no part of the one line that tells of it.
    logging.getLogger().addHandler(logging.NullHandler())
    sys.exit(invoke(sys.argv[1:]))


def invoke(arguments: Sequence[str]) -> int:
    """Run one command; the exit status: 0 done, 1 failed (one line on stderr), 2 wrong use."""
    from coldspring.cli.application import build
    from coldspring.errors import SettingsError

    try:
        build().main(args=list(arguments), prog_name="coldspring")
    except SystemExit as end:
        return _status(end.code)
    except KeyboardInterrupt:
        return _failed("interrupted")
    except SettingsError as error:
        _failed(str(error))
        return WRONG_USE
    except BrokenPipeError:
        # Whoever read our output has seen enough; stdout must not be flushed once more at exit.
        sys.stdout = None
        return FAILED
    except Exception as error:
        return _failed(_one_line(error))
    return 0


def _one_line(error: Exception) -> str:
    from coldspring.errors import ColdspringError

    told = " ".join(str(error).split()) or type(error).__name__
    return told if isinstance(error, ColdspringError) else f"{type(error).__name__}: {told}"


def _failed(told: str) -> int:
    sys.stderr.write(f"coldspring: {told}\n")
    return FAILED


def _status(code: str | int | None) -> int:
    if code is None:
        return 0
    if isinstance(code, str):
        return _failed(code)
    return FAILED if code == 130 else code  # typer's own status for an interrupt
