"""An index view that saves all the time, in a process of its own: made to be killed, or to meet a full disk.

    python -m tests.chaos.saver BOOTSTRAP TOPIC PARTITIONS FOLDER [BYTES]

BYTES is the size that no file of it may exceed. It prints "complete" once it has read the whole topic.
"""

import asyncio
import resource
import sys
from pathlib import Path

from coldspring import crash_points
from serving.views.index_view import IndexView


async def main(bootstrap: str, topic: str, partitions: str, folder: str, most: str = "") -> None:
    if most:
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(most), int(most)))
    reached = crash_points.from_environment()
    view = IndexView(bootstrap, topic, int(partitions), Path(folder), snapshot_every_s=0.0, reached=reached)
    running = asyncio.create_task(view.run())
    told = False
    while not running.done():
        await asyncio.sleep(0.02)
        if view.complete and not told:
            told = True
            print("complete", flush=True)  # noqa: T201
    await running


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
