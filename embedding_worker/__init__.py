"""Text to vector to index. Only `encoders/` knows torch, only `index.py` hnswlib; importing this needs neither."""

from __future__ import annotations

from typing import Final

ENVIRONMENT: Final[dict[str, str]] = {
    # Must stand before torch is imported: with spinning OpenMP threads a busy machine encodes at half the rate.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "0",
    # Texts come from outside, models are local: nothing may ask a model hub by itself.
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
}
"""Variables that whoever starts the embedding worker sets for it."""
