"""An application on a real port, in a thread of its own."""

import asyncio
import threading
import time
from types import TracebackType
from typing import Any, Self

import uvicorn

from serving.http.app import create_app
from serving.http.server import server_config
from tests.unit.fakes.recommender import FakePublisher, FakeRecommender


class RunningServer:
    """The HTTP door over fakes; `url` is its address. Events are learned `delay_s` after they were written."""

    def __init__(self, delay_s: float = 0.05, **options: Any) -> None:
        self.service = FakeRecommender()
        self.publisher = FakePublisher(self.service, delay_s)
        self._server = uvicorn.Server(server_config(create_app(self.service, self.publisher, **options), port=0))
        self._thread = threading.Thread(target=lambda: asyncio.run(self._server.serve()))

    @property
    def port(self) -> int:
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        self._thread.join(10)
