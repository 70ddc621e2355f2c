"""A small catalogue that people can judge: books and films, Chinese and English, with and without texts."""

from typing import Any, Final

SCIENCE_FICTION: Final = "Sci-Fi"
SINCE_MS: Final = 1_700_000_000_000

_SHELF: Final = (
    # id, title, text, categories, domain, language
    ("santi", "三体", "刘慈欣的科幻小说：地球文明第一次接触来自半人马座的三体文明。", "Sci-Fi", "books", "zh"),
    ("qiuzhuang", "球状闪电", "刘慈欣的长篇科幻小说，关于球状闪电与宏原子的研究。", "Sci-Fi", "books", "zh"),
    ("liulang", "流浪地球", "人类推动地球飞向新的星系。改编自刘慈欣的科幻小说。", "Sci-Fi", "films", "zh"),
    ("chaoxinxing", "超新星纪元", None, "Sci-Fi", "books", "zh"),
    ("xiangcun", "乡村教师", "刘慈欣的短篇科幻小说。", "Sci-Fi", "books", "zh"),
    ("beijing", "北京折叠", "郝景芳的科幻小说，想象未来被折叠的城市。", "Sci-Fi", "books", "zh"),
    ("dune", "Dune", "Frank Herbert's science fiction novel about the desert planet Arrakis.", "Sci-Fi", "books", "en"),
    ("neuromancer", "Neuromancer", "A cyberpunk science fiction novel by William Gibson.", "Sci-Fi", "books", "en"),
    ("alien", "Alien (1979)", "The crew of a spaceship meets a deadly alien.", "Horror,Sci-Fi", "films", "en"),
    ("blade", "Blade Runner (1982)", "Androids in a dark future city.", "Sci-Fi", "films", "en"),
    ("contact", "Contact (1997)", "A scientist hears a message from extraterrestrials.", "Sci-Fi", "films", "en"),
    ("interstellar", "Interstellar (2014)", None, "Sci-Fi", "films", "en"),
    ("honglou", "红楼梦", "曹雪芹的古典小说，写贾府的兴衰和爱情。", "Classic,Romance", "books", "zh"),
    ("xiyou", "西游记", "孙悟空保护唐僧去西天取经的神话小说。", "Classic", "books", "zh"),
    ("weicheng", "围城", "钱钟书的小说，写知识分子的婚姻和生活。", "Classic", "books", "zh"),
    ("huozhe", "活着", "余华的小说，讲述农民福贵一生的苦难。", "Drama", "books", "zh"),
    ("chuancai", "川菜大全", "四川家常菜的做法：麻婆豆腐、回锅肉、鱼香肉丝。", "Cooking", "books", "zh"),
    ("yangsheng", "中医养生", "关于饮食、睡眠和健康的建议。", "Health", "books", "zh"),
    ("zhubajie", "猪的饲养技术", "农村养猪实用手册。", "Farming", "books", "zh"),
    ("zuqiu", "足球训练入门", "足球基本技术和战术训练。", "Sport", "books", "zh"),
    ("hutong", "北京胡同", None, "Travel", "books", "zh"),
    ("piano", "钢琴初级教程", None, "Music", "books", "zh"),
    ("pride", "Pride and Prejudice", "Jane Austen's novel of marriage.", "Classic,Romance", "books", "en"),
    ("joy", "The Joy of Cooking", "Recipes for everyday meals.", "Cooking", "books", "en"),
    ("baking", "Bread and Cakes at Home", "How to bake bread and cookies in your oven.", "Cooking", "books", "en"),
    ("italian", "Italian Family Recipes", "Pasta, pizza and sauces: a cookbook.", "Cooking", "books", "en"),
    ("garden", "The Vegetable Garden", "Growing tomatoes, beans and potatoes.", "Garden", "books", "en"),
    ("tax", "Small Business Taxes", "How to file your tax return.", "Business", "books", "en"),
    ("notting", "Notting Hill (1999)", "A romantic comedy in London.", "Romance", "films", "en"),
    ("godfather", "The Godfather (1972)", "A crime family in New York.", "Crime", "films", "en"),
    ("titanic", "Titanic (1997)", None, "Romance", "films", "en"),
    ("rocky", "Rocky (1976)", "A boxer gets his chance.", "Sport", "films", "en"),
    ("casablanca", "Casablanca (1942)", None, "Romance", "films", "en"),
    ("grill", "Grilling Meat and Fish", None, "Cooking", "books", "en"),
)  # fmt: skip


def items() -> list[dict[str, Any]]:
    """The catalogue as items of the contract."""
    return [
        {
            "item_id": item_id, "title": title, "categories": categories.split(","), "domain": domain,
            "language": language, "timestamp": SINCE_MS + place, **({"text": text} if text else {}),
        }
        for place, (item_id, title, text, categories, domain, language) in enumerate(_SHELF)
    ]  # fmt: skip


def of_category(name: str) -> set[str]:
    """The ids of a category."""
    return {item["item_id"] for item in items() if name in item["categories"]}
