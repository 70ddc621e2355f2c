"""A log played through a broker: produced under a fresh prefix, read by a worker of its own, compared by its digest."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable
from typing import Any

from coldspring.backlog import Backlog
from coldspring.configuration import Configuration
from coldspring.live_state import STATEFUL, wait_until_read
from coldspring.log_file import LogLine
from coldspring.log_records import Sent, send_lines
from coldspring.system import System


def replay_through_broker(
    config: Configuration,
    lines: Iterable[LogLine],
    tell: Callable[[str], None],
    stop: threading.Event,
    each: Callable[[LogLine, Sent], None] = lambda _line, _sent: None,
) -> dict[str, Any]:
    """Play lines through Kafka, a worker and Redis; digest, position and counts as of a running system.

    Topics and keys are this replay's own and are removed afterwards, so a system that runs beside it is not touched.
    """
    from coldspring import wiring

    fresh = config.settings.model_copy(
        # Without examples nobody trains: the digest holds nothing of what a trainer learns.
        update={"prefix": f"{config.settings.prefix}replay-{secrets.token_hex(4)}-", "examples": 0.0}
    )
    with System(Configuration(fresh, config.origins), tell, stop, programs=("worker",)) as system:
        settings = system.config.settings
        state = wiring.live_state(settings)
        begin = {topic: [0] * wiring.topics(settings).count(topic) for topic in STATEFUL}
        backlog = Backlog(state.positions, begin, meanwhile=lambda: system.pause(0))
        try:
            with wiring.producer(settings) as producer:
                send_lines(lines, producer, wiring.topics(settings), backlog, each)
            wait_until_read(state.positions, wiring.end_offsets(settings, STATEFUL), lambda: system.pause(0))
            return state.report()
        finally:
            wiring.delete_topics(settings)
            state.clear()
