"""Is a log the one that the state was learned from? Recreated, compacted and shortened logs are told apart."""

import pytest
from faust.types import TP

from recommender.head import Mark
from streams.intake import LogRecord
from streams.log_check import Bounds, Claim, OtherLogError, judge
from streams.user_shard import mark_of

PLACE = TP("interactions", 2)
APPLIED = LogRecord(41, b"u1", b"the last one applied", 1_700)
CLAIM = Claim(42, mark_of(APPLIED))


@pytest.mark.parametrize(
    ("bounds", "found"),
    [
        (Bounds(0, 42), APPLIED),
        (Bounds(0, 900), APPLIED),
        (Bounds(41, 900), APPLIED),
        (Bounds(42, 900), None),  # retention took the record, and nothing that was not learned
        (Bounds(500, 900), None),  # it took more: another question (`missing`)
        (Bounds(0, 42), LogRecord(41, b"u1", APPLIED.value, 0)),  # a source that keeps no times
    ],
)
def test_the_same_log_is_known_again(bounds: Bounds, found: LogRecord | None) -> None:
    judge(PLACE, CLAIM, bounds, found)


@pytest.mark.parametrize(
    ("bounds", "found", "how"),
    [
        (Bounds(0, 41), None, "ends at 41"),
        (Bounds(0, 0), None, "ends at 0"),
        (Bounds(0, 42), LogRecord(41, b"u1", b"another", 1_700), "another record"),
        (Bounds(0, 42), LogRecord(41, b"u1", APPLIED.value, 1_701), "another record"),
        (Bounds(0, 900), LogRecord(44, b"u1", b"later", 1_800), "holds none"),
    ],
)
def test_another_log_is_refused_and_the_message_says_what_to_do(
    bounds: Bounds, found: LogRecord | None, how: str
) -> None:
    with pytest.raises(OtherLogError, match=how) as refused:
        judge(PLACE, CLAIM, bounds, found)
    assert "interactions[2]" in str(refused.value)
    assert "--cluster" in str(refused.value)


def test_a_compacted_log_may_have_dropped_the_record_but_not_changed_it() -> None:
    claim = Claim(42, CLAIM.mark, compacted=True)
    judge(PLACE, claim, Bounds(0, 900), LogRecord(44, b"i1", b"later", 1_800))
    judge(PLACE, claim, Bounds(0, 900), None)
    with pytest.raises(OtherLogError):
        judge(PLACE, claim, Bounds(0, 900), LogRecord(41, b"i1", b"another", 1_700))


def test_an_empty_state_fits_every_log() -> None:
    judge(PLACE, Claim(0), Bounds(0, 0), None)
    judge(PLACE, Claim(0), Bounds(7, 900), None)


def test_what_is_missing_is_counted() -> None:
    assert Bounds(0, 900).missing(CLAIM) == 0
    assert Bounds(42, 900).missing(CLAIM) == 0
    assert Bounds(500, 900).missing(CLAIM) == 458
    assert Bounds(7, 900).missing(Claim(0, Mark(0, 0, ""))) == 7
