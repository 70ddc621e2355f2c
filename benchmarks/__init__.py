"""What is measured, a runner a topic: ``python -m benchmarks [NAME…]``; docs/benchmarks.md says what each one is."""
