"""The text of an item."""

from hypothesis import given
from hypothesis import strategies as st

from embedding_worker.text import compose
from recommender.events import Item

text = st.text(max_size=3_000)


@given(st.one_of(st.none(), text), text, st.lists(text, max_size=5), st.lists(text, max_size=80), st.integers(8, 500))
def test_it_is_bounded_and_repeats(
    title: str | None, body: str, categories: list[str], tags: list[str], room: int
) -> None:
    item = Item(item_id="i", timestamp=1, title=title or "x", text=body, categories=categories, tags=tags)
    once = compose(item, room)
    assert len(once) <= room
    assert once == compose(item, room)
    assert "\x00" not in once


def test_all_parts_in_order() -> None:
    item = Item(
        item_id="i",
        timestamp=1,
        title="三体",
        text="地球文明的往事。\n\n第一部",
        categories=["科幻", "小说"],
        tags=["刘慈欣", "科幻"],
    )
    assert compose(item) == "三体\n科幻, 小说, 刘慈欣\n地球文明的往事。 第一部"


def test_a_megabyte_without_a_space_and_ten_thousand_tags() -> None:
    item = Item(item_id="i", timestamp=1, title="t" * 1_000_000, text="x" * 1_000_000, tags=["tag"] * 1_000)
    assert len(compose(item)) == 2_000


def test_long_texts_leave_room_for_labels_and_long_labels_for_text() -> None:
    item = Item(item_id="i", timestamp=1, title="T", text="x" * 5_000, tags=[f"tag{n}" for n in range(1_000)])
    composed = compose(item, 400)
    assert "tag0, tag1" in composed
    assert composed.count("x") > 200


def test_only_an_image_gives_an_empty_text() -> None:
    assert compose(Item(item_id="i", timestamp=1, image="a.png")) == ""
