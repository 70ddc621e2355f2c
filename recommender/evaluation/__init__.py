"""Prequential evaluation: every event is first predicted, then learned (docs/evaluation.md).

The model ranks every item it knows but the user's own (`repeats` lets these in); nothing is sampled, ties count
against it, and an item that it does not know is a miss. Protocol: Dawid, "Present position and potential
developments: the prequential approach" (1984); for recommenders: Vinagre, Jorge, Gama, "Evaluation of recommender
systems in streaming environments" (2015).

>>> class Newest:
...     def __init__(self): self.items = []
...     def learn_one(self, user, item, y, x=None): self.items.insert(0, item)
...     def scored(self, user, k, exclude=(), at=None):
...         return [(i, -n) for n, i in enumerate(self.items) if i not in exclude][:k]
>>> report = evaluate(Newest(), [("u1", "i1", 1.0, None), ("u2", "i1", 1.0, None)])
>>> report.as_dict()["hr@10"]
0.5
"""

from recommender.evaluation.lists import Similarity, label_similarity, strict_place, unlikeness
from recommender.evaluation.past import COLD_ITEM_EVENTS, COLD_USER_EVENTS
from recommender.evaluation.protocol import Event, Id, Model, Report, evaluate
from recommender.evaluation.scores import Ranked, Scores

__all__ = [
    "COLD_ITEM_EVENTS",
    "COLD_USER_EVENTS",
    "Event",
    "Id",
    "Model",
    "Ranked",
    "Report",
    "Scores",
    "Similarity",
    "evaluate",
    "label_similarity",
    "strict_place",
    "unlikeness",
]
