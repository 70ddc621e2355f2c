"""Models by name.

>>> make("decayed_popularity", half_life_ms=3_600_000.0).recommend("u1", k=3)
[]
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any, Final

from online_models.base import OnlineRanker
from online_models.baselines.als import ALS
from online_models.baselines.bpr import BPR
from online_models.baselines.content_only import ContentOnly
from online_models.baselines.ease import EASE
from online_models.baselines.isgd import ISGD
from online_models.baselines.vs_knn import VSkNN
from online_models.default import Default
from online_models.item_item import ItemItem
from online_models.popularity import DecayedPopularity, Popularity
from online_models.river_mf import BiasedMF, FunkMF

MODELS: Final = MappingProxyType[str, type[OnlineRanker]](
    {
        "default": Default,
        "item_item": ItemItem,
        "popularity": Popularity,
        "decayed_popularity": DecayedPopularity,
        "biased_mf": BiasedMF,
        "funk_mf": FunkMF,
        "isgd": ISGD,
        "bpr": BPR,
        "ease": EASE,
        "als": ALS,
        "vs_knn": VSkNN,
        "content": ContentOnly,
    }
)


def names() -> tuple[str, ...]:
    """The names that `make` knows."""
    return tuple(MODELS)


def make(name: str, **params: Any) -> OnlineRanker:
    """A new model.

    Parameters
    ----------
    name
        One of `names`.
    params
        The model's own parameters; every model takes `seed`.

    Raises
    ------
    ValueError
        For an unknown name.
    TypeError
        For a parameter that the model does not have.
    """
    if name not in MODELS:
        raise ValueError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    return MODELS[name](**params)
