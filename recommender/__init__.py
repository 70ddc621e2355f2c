"""The words and the pure logic: events, retrieval, ranking, explanation, evaluation. No I/O."""
