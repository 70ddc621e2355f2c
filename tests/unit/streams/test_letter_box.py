"""Dead letters in batches that a broker takes."""

from recommender.reasons import DeadLetter
from streams.letter_box import BATCH_BYTES, CUT_BYTES, HEADERS_BYTES, batches, cut, headers


def letter(value: bytes | None, offset: int = 0, detail: str = "d") -> DeadLetter:
    return DeadLetter("interactions", 2, offset, 0, "not_json", detail, None, value)


def test_batches_are_small_and_nothing_is_left_out() -> None:
    letters = [letter(bytes(1_000 * (n % 90)), n) for n in range(500)] + [
        letter(bytes(2_000_000), 500),
        letter(None, 501),
    ]
    found = list(batches(letters))
    assert [each for together in found for each in together] == letters
    for together in found:
        size = sum(len(each.value or b"") + sum(len(data) for _, data in headers(each)) for each in together)
        assert size <= BATCH_BYTES or len(together) == 1


def test_headers_take_no_more_than_is_reckoned() -> None:
    longest = DeadLetter("t" * 249, 10**6, 10**18, 499, "missing_field", "喜" * 200, None, None)
    assert sum(len(name) + len(data) for name, data in headers(longest)) < HEADERS_BYTES


def test_a_cut_letter_says_so_and_keeps_its_place() -> None:
    short = cut(letter(b"x" * 5_000_000, 7, "y" * 200))
    assert len(short.value or b"") == CUT_BYTES
    assert short.detail.startswith("cut to its first 900000 of 5000000 bytes; y")
    assert len(short.detail) <= 200
    assert (short.offset, short.reason) == (7, "not_json")
