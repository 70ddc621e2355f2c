"""Compiled kernels are loaded before the first question: loading them takes longer than many answers."""

from __future__ import annotations

import numpy as np

from online_models.exploration import chances, count_seen
from online_models.features import feature_matrix, no_evidence
from online_models.item_stats import stats_dtype
from online_models.mf_part import item_parts
from online_models.own_items import OwnItems
from online_models.readout import Readout, shares
from online_models.sessions import session_length
from online_models.vector_space import likeness_of


def warm_up() -> None:
    """Load what answers run through."""
    ring, rows, counts = [0, 1], [np.array([[0, 1, 1], [1, 1, 1]], np.int32)] * 2, np.ones(2)
    Readout().read(ring, rows, counts, 1)
    shares(ring, rows, counts, np.array([0, 1]))
    feature_matrix(no_evidence(2))
    places, vectors = np.array([0, 1], np.int64), np.eye(2, dtype=np.float32)
    likeness_of(vectors, places, vectors, np.zeros(2))
    OwnItems().read(places, places, counts)
    session_length(places, 1)
    item_parts(counts, np.eye(2), places)
    seen = np.zeros((2, 2), np.int64)
    table = np.zeros(2, stats_dtype(2))
    count_seen(places, np.array([0, 1], np.int32), table["by_type"], 0, np.array([False, True]), seen)
    chances(counts, seen[0], seen[1])
