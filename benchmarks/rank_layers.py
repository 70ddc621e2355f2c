"""The layers of an answer, for `benchmarks.rank --profile`: what is wrapped, and by what name it is told."""

from __future__ import annotations

from typing import Any

import serving.listing
import serving.scoring
from benchmarks.in_memory import InMemory


def layers_of(system: InMemory) -> list[tuple[str, Any, str]]:
    """From the outermost to the innermost; a layer's time is without that of the layers in it."""
    service, model = system.service, system.model
    asking, listing, scoring = service._asking, service._listing, service.scoring
    finding, gathering = listing._finding, scoring._gathering
    return [
        ("the answer around it", service, "recommend"),
        ("take in changes", model, "refresh"),
        ("read the question", asking, "read"),
        ("read the user", model, "users"),
        ("read neighbour rows", model, "rows"),
        ("read the taste's vectors", asking, "_taste"),
        ("list, what remains", listing, "make"),
        ("rules on every item", listing, "_codes"),
        ("read the rows out", listing._readout, "read"),
        ("popularity of every item", finding, "evidences"),
        ("choose candidates", serving.listing, "retrieve"),
        ("newest of every item", model.catalogue, "newest"),
        ("search the index", system.vectors.index, "nearest"),
        ("score, what remains", scoring, "score"),
        ("gather, what remains", gathering, "of"),
        ("gather likeness", gathering, "_likeness"),
        ("vectors of candidates", scoring, "_vectors"),
        ("gather factors", scoring, "mf"),
        ("features", serving.scoring, "feature_matrix"),
        ("users alike", scoring, "_crowd"),
        ("fatigue and rules", listing._adjusting, "adjust"),
        ("re-rank and seats", listing._reranking, "listed"),
        ("facts to record", scoring, "facts"),
        ("items of the answer", listing, "_items"),
    ]
