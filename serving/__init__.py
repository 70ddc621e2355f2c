"""Recommendations out: HTTP and Kafka doors to one recommender, the page, metrics. No torch."""
