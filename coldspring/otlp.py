"""Spans to an OpenTelemetry collector: OTLP over HTTP in its JSON form, from a thread of its own.

https://opentelemetry.io/docs/specs/otlp/#otlphttp - it needs no library. What the collector does not take in time is
dropped and counted: a trace never holds up an event.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from recommender.spans import Sampled, Span, Value

if TYPE_CHECKING:
    from coldspring.settings import Settings

log = logging.getLogger(__name__)

ENDPOINT: Final = "OTEL_EXPORTER_OTLP_ENDPOINT"
HEADERS: Final = "OTEL_EXPORTER_OTLP_HEADERS"
NAME: Final = "OTEL_SERVICE_NAME"
PATH: Final = "/v1/traces"
WAITING: Final = 4_096
AT_ONCE: Final = 512
PAUSE_S: Final = 1.0
TIMEOUT_S: Final = 5.0
INTERNAL: Final = 1
"""SpanKind of work inside a service."""


def spans(settings: Settings, role: str, environ: Mapping[str, str] | None = None) -> Sampled | None:
    """Where this process's spans go: the setting `trace`, else OpenTelemetry's own variable; None for nowhere."""
    given = os.environ if environ is None else environ
    endpoint = settings.trace or given.get(ENDPOINT, "")
    if not endpoint:
        return None
    exporter = Exporter(endpoint, given.get(NAME) or f"coldspring-{role}", given.get(HEADERS, ""))
    exporter.start()
    return Sampled(exporter.send, settings.trace_share)


class Exporter:
    """Sends spans in batches.

    Parameters
    ----------
    endpoint
        The collector's base address, "http://host:4318"; the path of traces is added.
    service
        The service's name.
    headers
        More headers, "name=value,name=value".
    """

    def __init__(self, endpoint: str, service: str, headers: str = "", pause_s: float = PAUSE_S) -> None:
        self._url = endpoint.rstrip("/") if endpoint.rstrip("/").endswith(PATH) else endpoint.rstrip("/") + PATH
        self._service = service
        pairs = (pair.partition("=") for pair in headers.split(",") if "=" in pair)
        self._headers = {name.strip(): value.strip() for name, _, value in pairs}
        self._pause_s = pause_s
        self._queue: queue.Queue[Span] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, daemon=True, name="spans")
        self.dropped = 0

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def send(self, span: Span) -> None:
        """Hand a span over; never waits, never fails."""
        try:
            self._queue.put_nowait(span)
        except queue.Full:
            self.dropped += 1

    def _run(self) -> None:
        while True:
            waiting = [self._queue.get()]
            threading.Event().wait(self._pause_s)
            while len(waiting) < AT_ONCE and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            try:
                self._post(waiting)
            except (OSError, ValueError) as error:
                self.dropped += len(waiting)
                log.debug("the collector at %s takes no spans (%s); %d dropped", self._url, error, self.dropped)

    def _post(self, waiting: Sequence[Span]) -> None:
        body = json.dumps(document(self._service, waiting)).encode()
        headers = {"Content-Type": "application/json", **self._headers}
        request = urllib.request.Request(self._url, body, headers)  # noqa: S310 - the operator chose the address
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            answer.read()


def document(service: str, spans: Sequence[Span]) -> dict[str, Any]:
    """The request that hands spans over, as OTLP's JSON has it."""
    told = [each for span in spans for each in _with_parts(span)]
    scope = {"scope": {"name": "coldspring"}, "spans": told}
    return {
        "resourceSpans": [{"resource": {"attributes": _attributes({"service.name": service})}, "scopeSpans": [scope]}]
    }


def _with_parts(span: Span) -> list[dict[str, Any]]:
    # Links name the first span of a trace: an event's, or a batch's.
    own = secrets.token_hex(8) if span.name == "item" else span.trace[:16]
    whole = {
        **_span(span, span.name, span.begin_ms, span.end_ms, own),
        "attributes": _attributes(span.attributes),
        "links": [{"traceId": trace, "spanId": trace[:16]} for trace in span.links],
    }
    parts = [
        {**_span(span, f"{span.name} {name}", begin, end, secrets.token_hex(8)), "parentSpanId": own}
        for name, begin, end in span.parts
    ]
    return [whole, *parts]


def _span(span: Span, name: str, begin_ms: int, end_ms: int, own: str) -> dict[str, Any]:
    return {
        "traceId": span.trace,
        "spanId": own,
        "name": name,
        "kind": INTERNAL,
        "startTimeUnixNano": str(begin_ms * 1_000_000),
        "endTimeUnixNano": str(max(begin_ms, end_ms) * 1_000_000),
    }


def _attributes(given: Mapping[str, Value]) -> list[dict[str, Any]]:
    return [{"key": key, "value": _value(value)} for key, value in given.items()]


def _value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}
