"""The partition of an id is the Java client's."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_python_murmur2

from recommender.partitioning import murmur2, partition_of


def test_known_values_of_the_java_client() -> None:
    # From the tests of org.apache.kafka.common.utils.Utils.
    known = {b"21": -973932308, b"foobar": -790332482, b"a-little-bit-long-string": -985981536, b"abc": 479470107}
    for data, signed in known.items():
        assert murmur2(data) == signed & 0xFFFFFFFF


@given(st.binary(max_size=300))
def test_kafka_python_agrees(data: bytes) -> None:
    assert murmur2(data) == kafka_python_murmur2(data) & 0xFFFFFFFF


@given(st.text(max_size=50), st.integers(1, 64))
def test_the_partition_exists(identity: str, partitions: int) -> None:
    assert 0 <= partition_of(identity, partitions) < partitions
