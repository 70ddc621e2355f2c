"""Texts for the start-up probe: short and long, several scripts, with and without words."""

from __future__ import annotations

from typing import Final

_SHORT: Final = (
    "Alien (1979)",
    "三体",
    "红楼梦",
    "Heat",
    "jazz",
    "The Three-Body Problem",
    "西游记：大闹天宫",
    "Le Fabuleux Destin d'Amélie",
    "USB-C cable, 2 m",
    "🎬🍿",
    "1984",
    "科幻小说",
    "wooden chess set",
    "日本のアニメ",
    "Der Himmel über Berlin",
    "x",
)
_SENTENCES: Final = (
    "A crew of seven answers a distress call and brings something back on board.",
    "我喜欢阅读科幻小说，特别是刘慈欣的作品。",
    "How long does an opened bottle of stout keep in the fridge?",
    "一个年轻的侦探在上海的雨夜里追查失踪的画家。",
    "Two brothers inherit a vineyard and disagree about everything but the wine.",
    "学习机器学习需要先掌握线性代数和概率论。",
    "Quiet piano music for late evenings, recorded in one take.",
    "适合初学者的家常菜谱，步骤清楚，材料容易买到。",
)
_LONG: Final = tuple(
    f"{first} {second} {third}"
    for first, second, third in zip(
        _SENTENCES, _SENTENCES[1:] + _SENTENCES[:1], _SENTENCES[2:] + _SENTENCES[:2], strict=True
    )
)

TEXTS: Final[tuple[str, ...]] = _SHORT + _SENTENCES + _LONG
"""32 texts."""
