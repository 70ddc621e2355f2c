"""Films that nobody has seen: invented, so that whatever finds them has never met them before.

Each comes in two: the first is what a fan has chosen, the second, announced later, is timed until it is in the fan's
list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_ENGLISH: Final = (
    ("The Lighthouse Keeper's Orchestra", "a retired musician teaches fishermen to play symphonies", "Music"),
    ("Glass Orbit", "astronauts repair a dying space station while an alien signal repeats", "Sci-Fi"),
    ("Seven Winters in Ravenholm", "a detective hunts a serial killer through a snowbound village", "Crime"),
    ("My Cousin the Pastry Duke", "rival bakers fall in love at a royal cake contest", "Romance"),
    ("Dust Riders of Calavera", "outlaws and a sheriff cross the desert for stolen gold", "Western"),
    ("The Clockmaker's Ghost", "a haunted clock tower traps a family on Halloween night", "Horror"),
    ("Dragons of the Inland Sea", "a young wizard befriends a dragon to save her kingdom", "Fantasy"),
    ("Offside in Lisbon", "an aging football coach leads street children to a championship", "Sport"),
    ("Penguins Can't Jump", "animated penguins open a circus on a melting iceberg", "Animation"),
    ("Convoy to Murmansk", "sailors fight submarines in the arctic during the second world war", "War"),
    ("The Senator's Accountant", "a clerk uncovers corruption in a presidential campaign", "Thriller"),
    ("Beekeepers", "a documentary about bees, flowers and the people who tend hives", "Documentary"),
)
_CHINESE: Final = (
    ("星海拾荒者", "宇航员在废弃的太空站里寻找外星文明的信号", "科幻"),
    ("长安夜探", "唐代捕快在都城追查连环凶案", "悬疑"),
    ("厨神的女儿", "年轻女厨师继承父亲的面馆并参加烹饪大赛", "喜剧"),
    ("雪山飞狐客", "江湖侠客在雪山争夺失传的剑谱", "武侠"),
    ("云上的钢琴", "山村少年梦想成为钢琴家", "音乐"),
    ("第九号病房", "护士在深夜的旧医院里遇见鬼魂", "恐怖"),
    ("机器人与猫", "孤独的机器人在末日城市收养一只小猫", "动画"),
    ("长江一九三八", "士兵在战火中守卫长江边的小城", "战争"),
    ("初恋图书馆", "两个大学生在图书馆相遇并相爱", "爱情"),
    ("蓝鲸之歌", "科学家跟随蓝鲸穿越太平洋的纪录片", "纪录片"),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """A film that a fan has chosen, and its sequel, which is new."""

    fan: str
    known: dict[str, Any]
    new: dict[str, Any]


def pairs(mark: str) -> list[Pair]:
    """All pairs; `mark` keeps the ids of one run apart from those of another."""
    told = [(film, "en", ("{}", "{}: The Return")) for film in _ENGLISH]
    told += [(film, "zh", ("{}", "{}：归来")) for film in _CHINESE]
    found = []
    for number, ((title, text, category), language, titles) in enumerate(told):
        both = [
            {
                "item_id": f"demo-{mark}-{number}-{part}",
                "title": pattern.format(title),
                "text": text,
                "categories": [category],
                "domain": "movies",
                "language": language,
            }
            for part, pattern in zip(("known", "new"), titles, strict=True)
        ]
        found.append(Pair(f"demo-fan-{mark}-{number}", both[0], both[1]))
    return found
