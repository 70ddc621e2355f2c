"""What learns, one event at a time, behind River's protocol. Dense arrays inside. No I/O."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from online_models.base import OnlineRanker

__all__ = ["make"]


def make(name: str, **params: Any) -> "OnlineRanker":
    """A model by name, behind River's `reco.base.Ranker`; ValueError for an unknown name, with those there are.

    >>> make("popularity").recommend("u1", k=3)
    []
    """
    from online_models import registry  # River takes a second to load: only who makes a model pays

    return registry.make(name, **params)
