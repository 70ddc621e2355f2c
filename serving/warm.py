"""Compiled kernels are loaded before the first question: loading them takes longer than many answers."""

from __future__ import annotations

import numpy as np

from online_models.exploration import chances, count_seen, with_nearest
from online_models.features import NAMES, feature_matrix, no_evidence, weighed
from online_models.gather import gather_sums
from online_models.item_stats import stats_dtype
from online_models.kernels import HALF_LIVES_MS
from online_models.mf_part import item_parts
from online_models.own_items import OwnItems
from online_models.readout import Readout, shares
from online_models.sessions import session_length
from online_models.vector_space import likeness_of
from recommender.interests import Interests, build_interests
from recommender.ranking import Scored, give_seats, in_order, leading, seekers
from recommender.retrieval import Evidences, retrieve
from recommender.top_items import TopItems
from serving.clicked import ages_of


def warm_up() -> None:
    """Load what answers run through."""
    ring, rows, counts = [0, 1], [np.array([[0, 1, 1], [1, 1, 1]], np.int32)] * 2, np.ones(2)
    places, vectors, tie = np.array([0, 1], np.int64), np.eye(2, dtype=np.float32), np.zeros(2, np.uint64)
    found = Readout().read(ring, rows, counts, 1)
    retrieve(Evidences(tie, {"covisit": lambda allowed: found.leading(allowed, tie, 1)}), np.ones(2, np.bool_))
    top = TopItems(lambda numbers: counts[numbers])
    for _ in range(2):
        top.order(tie)
        top.note(places)
    evidence, features = no_evidence(2), np.zeros((2, len(NAMES)))
    found.read_into(places, evidence)
    own = OwnItems()
    own.read(places, places, counts)
    trends, fades = np.ones((2, len(HALF_LIVES_MS))), np.ones(len(HALF_LIVES_MS))
    gather_sums(places, 0, counts, counts, places, places, places, trends, fades, own.table, evidence)
    own.clear()
    weighed(feature_matrix(evidence, features), np.ones(len(NAMES)))
    shares(ring, rows, counts, np.array([0, 1]))
    likeness_of(vectors, places, vectors, np.zeros(2))
    build_interests("", vectors, places, counts, places, 0)
    Interests("", vectors[0], 1.0, vectors[1], 1.0, 1).query(vectors[0])
    session_length(places, 1)
    item_parts(counts, np.eye(2), places)
    seen = np.zeros((2, 2), np.int64)
    table = np.zeros(2, stats_dtype(2))
    count_seen(places, np.array([0, 1], np.int32), table["by_type"], 0, np.array([False, True]), seen)
    chances(counts, seen[0], seen[1])
    with_nearest(places, counts, 1)
    ages_of(places, places, places, 0)
    for values in (np.eye(2), np.asfortranarray(np.eye(2))):
        scored = Scored(["a", "b"], ("a", "b"), values)
        listed = in_order(scored, seekers(scored, np.ones(2, np.bool_), leading(scored, 1), 1))
        scored.rows(listed, 1)
        give_seats(scored, listed, listed, "c")
