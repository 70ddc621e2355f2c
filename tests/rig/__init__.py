"""Real servers for the tests and benchmarks: Kafka from Maven Central, Redis from Debian."""
