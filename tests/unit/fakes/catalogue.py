"""Films and books for the fake recommender: titles in English and in Chinese."""

TITLES = {
    "i1": ("Alien (1979)", ["Horror", "Sci-Fi"]),
    "i2": ("三体", ["Sci-Fi", "书"]),
    "i3": ("Spirited Away 千与千寻 (2001)", ["Animation", "Fantasy"]),
    "i4": ("Blade Runner (1982)", ["Sci-Fi", "Noir"]),
    "i5": ("流浪地球 (2019)", ["Sci-Fi", "Adventure"]),
    "i6": ("In the Mood for Love 花样年华 (2000)", ["Drama", "Romance"]),
    "i7": ("Arrival (2016)", ["Sci-Fi", "Drama"]),
    "i8": ("红楼梦", ["Classic", "书"]),
    "i9": ("Dune: Part Two (2024)", ["Sci-Fi", "Adventure"]),
    "i10": ("The Thing (1982)", ["Horror"]),
    "i11": ("卧虎藏龙 Crouching Tiger, Hidden Dragon (2000)", ["Action", "Romance"]),
    "i12": ("Paprika (2006)", ["Animation", "Sci-Fi"]),
    "i13": ("Moon (2009)", ["Sci-Fi", "Drama"]),
    "i14": ("Das Leben der Anderen (2006)", ["Drama"]),
    "i15": ("球状闪电", ["Sci-Fi", "书"]),
    "i16": ("Mad Max: Fury Road (2015)", ["Action"]),
    "i17": ("Chungking Express 重庆森林 (1994)", ["Drama", "Romance"]),
    "i18": ("Solaris (1972)", ["Sci-Fi", "Drama"]),
}
