"""What the worker counts, for its metrics and for whoever watches it."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Totals since the start; seconds of work; and the state of things.

    items_unchanged: announced again with the text that was encoded before; items_bad: records that are
    no item (the items agent writes their dead letters); items_set_aside: texts on which a working
    encoder failed again and again; refused: writes that another owner's write forestalled; lag: records
    not yet handled, of the partitions that this process owns.
    """

    items_encoded: int = 0
    items_unchanged: int = 0
    items_removed: int = 0
    items_bad: int = 0
    items_set_aside: int = 0
    batches: int = 0
    queries: int = 0
    encode_seconds: float = 0.0
    encode_errors: int = 0
    kafka_errors: int = 0
    redis_errors: int = 0
    refused: int = 0
    lag: int = 0
    last_error: str = ""

    def failed(self, kind: str, error: BaseException) -> None:
        """Count an error of a kind (encode, kafka or redis) and keep its text."""
        name = f"{kind}_errors"
        setattr(self, name, getattr(self, name) + 1)
        self.last_error = f"{kind}: {type(error).__name__}: {str(error)[:200]}"

    def as_dict(self) -> dict[str, int | float | str]:
        """All of them by name."""
        return asdict(self)

    def prometheus(self) -> str:
        """The numbers in Prometheus' text format."""
        lines = []
        for name, value in self.as_dict().items():
            if isinstance(value, str):
                continue
            kind, suffix = ("gauge", "") if name == "lag" else ("counter", "_total")
            full = f"coldspring_embedding_{name}{suffix}"
            lines.append(f"# TYPE {full} {kind}\n{full} {value}\n")
        return "".join(lines)
