"""Faults on real processes, a real Kafka and a real Redis: `make chaos`. Every trial is seeded and ends by itself."""
