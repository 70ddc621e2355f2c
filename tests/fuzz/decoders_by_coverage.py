"""The decoders under atheris, which makes bytes that reach new lines: `python -m tests.fuzz.decoders_by_coverage`.

Takes libFuzzer's options, such as `-max_total_time=600` or `-runs=20000`, and folders of examples.
"""

import sys
from collections.abc import Callable

import atheris  # type: ignore[import-untyped]
import msgspec

with atheris.instrument_imports(include=["recommender"]):
    from recommender import events
    from recommender.reasons import REASONS, BadEventError

DECODERS = (events.decode_interaction, events.decode_item, events.decode_profile, events.decode_forget)
SEEDS = (
    b'{"user_id":"u","item_id":"i","type":"rating","timestamp":1,"value":3,"scale":[1,5],"context":{"a":[1]}}',
    b'{"item_id":"i","timestamp":1,"title":"t","tags":["a"],"attributes":{"a":null},"expires_at":5}',
    b'[{"user_id":"u"},NaN,"\\ud800"]',
    b'[{"user_id":"u","item_id":"i","type":"click","timestamp":1},{"user_id":"v","item_id":"i","type":"view","timestamp":2}]',
)


def one_input(value: bytes) -> None:
    """An event that can be written and read again, or a BadEventError; anything else is a finding."""
    for decode in DECODERS:
        _try(decode, value)
    try:
        parts = events.split_envelope(value) or []
    except BadEventError as error:
        _check(error)
        if events.decode_envelope(value) is not None:
            raise RuntimeError("no envelope, but decoded as one") from error
        return
    whole = events.decode_envelope(value)
    if whole is not None and whole != [events.decode_interaction(part) for part in parts]:
        raise RuntimeError("not the same whole as in parts")
    for part in parts:
        _try(events.decode_interaction, part)


def _try(decode: Callable[[bytes], msgspec.Struct], value: bytes) -> None:
    try:
        event = decode(value)
    except BadEventError as error:
        _check(error)
        return
    if decode(events.encode(event)) != event:
        raise RuntimeError("not the same after writing and reading")


def _check(error: BadEventError) -> None:
    if error.reason not in REASONS or not 0 < len(error.detail) <= 200:
        raise RuntimeError(f"no good reason: {error}")


def main() -> None:
    """Fuzz until an option of libFuzzer ends it."""
    for seed in SEEDS:
        one_input(seed)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
