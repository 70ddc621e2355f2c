"""Where the time of a call goes: methods are wrapped for a while, each counts what the wrapped ones in it do not.

>>> class Cook:
...     def boil(self) -> int:
...         return 1
>>> cook = Cook()
>>> with Layers([("boil", cook, "boil")]) as layers:
...     _ = cook.boil()
>>> list(layers.seconds), "boil" in vars(cook)
(['boil'], False)
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any
from unittest.mock import patch


class Layers:
    """Wraps what it is given while it is entered: (name of the layer, object or module, attribute).

    seconds: by layer, so far. Coroutines are wrapped too; they must not wait for anything outside.
    """

    def __init__(self, wrapped: Sequence[tuple[str, Any, str]]) -> None:
        self.seconds: dict[str, float] = {name: 0.0 for name, _, _ in wrapped}
        self._wrapped = wrapped
        self._inside: list[float] = []
        self._patches = ExitStack()

    def __enter__(self) -> Layers:
        for name, owner, attribute in self._wrapped:
            whole = self._timed(name, getattr(owner, attribute))
            self._patches.enter_context(patch.object(owner, attribute, whole))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._patches.close()

    def _timed(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.iscoroutinefunction(call):

            @functools.wraps(call)
            async def later(*args: Any, **named: Any) -> Any:
                with self._layer(name):
                    return await call(*args, **named)

            return later

        @functools.wraps(call)
        def now(*args: Any, **named: Any) -> Any:
            with self._layer(name):
                return call(*args, **named)

        return now

    @contextmanager
    def _layer(self, name: str) -> Iterator[None]:
        self._inside.append(0.0)
        began = time.perf_counter()
        try:
            yield
        finally:
            took = time.perf_counter() - began
            self.seconds[name] += took - self._inside.pop()
            if self._inside:
                self._inside[-1] += took
