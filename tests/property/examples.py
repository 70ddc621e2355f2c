"""How many examples the properties are tried on: few by default, 1,000 each with HYPOTHESIS_PROFILE=long.

`make property` does that with ten seeds: Hypothesis keeps all it has tried, and 10,000 logs in one go are 10 GB.
"""

import os

from hypothesis import HealthCheck, settings

PROFILES = {"ci": 25, "long": 1_000}
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
TRIED = settings(
    max_examples=PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "ci")],
    deadline=None,
    suppress_health_check=SLOW,
    print_blob=True,
)
"""A decorator of every property here; other tests keep Hypothesis' own settings."""


def share(part: int, least: int = 1) -> settings:
    """The same for a property that costs more: one `part`-th of the examples."""
    return settings(TRIED, max_examples=max(least, TRIED.max_examples // part))
