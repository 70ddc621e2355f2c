"""Run a command that ends when the process that asked for it ends, however that one died.

Called as a file, so that nothing of the project has to be imported first::

    python -I -S streams/die_with_parent.py PARENT_PID COMMAND [ARGUMENT...]

On Linux the kernel does the watching: ``PR_SET_PDEATHSIG`` survives the ``execve`` and is sent even after ``kill -9``
of the parent (prctl(2)). It follows the parent's *thread*, so the command has to be started from a thread that lives
as long as it does: `streams.child_process.ChildProcess` sees to that. Elsewhere a small watcher process looks twice a
second.
"""

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1
"""The option's number in ``<linux/prctl.h>``."""

WATCH_INTERVAL_S = 0.5


def bind_to_parent(parent_pid: int) -> None:
    """Have this process (and what it becomes by exec) sent SIGTERM when `parent_pid` ends.

    Exits at once when the parent has gone already. Raises OSError when the kernel refuses.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    else:
        watch_parent(parent_pid)
    # The parent may have died before the line above took effect.
    if os.getppid() != parent_pid:
        sys.exit(0)


def watch_parent(parent_pid: int) -> None:
    """Fork a watcher that sends this process SIGTERM once `parent_pid` is gone; it leaves when this process does."""
    watched = os.getpid()
    if os.fork() != 0:
        return
    # The watcher holds none of the pipes and locks that it inherited.
    os.closerange(0, 1024)
    while os.getppid() == watched:
        if not _alive(parent_pid):
            os.kill(watched, signal.SIGTERM)
            break
        time.sleep(WATCH_INTERVAL_S)
    os._exit(0)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def main(arguments: list[str]) -> None:
    """Bind to the parent named by the first argument, then become the command in the rest."""
    bind_to_parent(int(arguments[0]))
    try:
        os.execvp(arguments[1], arguments[1:])
    except OSError as failure:
        sys.stderr.write(f"{arguments[1]}: {failure.strerror}\n")
        sys.exit(127)  # the shell's status for a command that is not there


if __name__ == "__main__":
    main(sys.argv[1:])
