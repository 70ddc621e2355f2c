"""Which partition an id belongs to: Kafka's murmur2, as the Java client's default partitioner has it.

Source of the function: Austin Appleby's MurmurHash2 (public domain) with the seed that
`org.apache.kafka.common.utils.Utils.murmur2` uses.

>>> partition_of("u1", 4)
0
"""

from __future__ import annotations

from functools import lru_cache

_SEED = 0x9747B28C
_M = 0x5BD1E995
_MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """The 32-bit hash of `data` as an unsigned integer."""
    length = len(data)
    h = _SEED ^ length
    body = length & ~3
    for word in memoryview(data)[:body].cast("I") if _LITTLE else _words(data, body):
        mixed = (word * _M) & _MASK
        mixed ^= mixed >> 24
        h = ((h * _M) & _MASK) ^ ((mixed * _M) & _MASK)
    tail = data[body:]
    if tail:
        h = ((h ^ int.from_bytes(tail, "little")) * _M) & _MASK
    h ^= h >> 13
    h = (h * _M) & _MASK
    return h ^ (h >> 15)


@lru_cache(maxsize=65_536)
def partition_of(identity: str, partitions: int) -> int:
    """The partition (0-based) of an id among `partitions`."""
    return (murmur2(identity.encode()) & 0x7FFFFFFF) % partitions


def _words(data: bytes, body: int) -> list[int]:
    return [int.from_bytes(data[i : i + 4], "little") for i in range(0, body, 4)]


_LITTLE = memoryview(b"\x01\0\0\0").cast("I")[0] == 1
