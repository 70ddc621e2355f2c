"""`coldspring recommend | similar | trending | explain`: questions to the running system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from coldspring.cli import past
from coldspring.cli.command import Json, Length, command, known
from coldspring.cli.output import print_json, print_line, print_list
from coldspring.configuration import Configuration
from coldspring.errors import CommandError

if TYPE_CHECKING:
    from coldspring.client import Client

User = Annotated[str, typer.Argument(metavar="USER", help="A user's id, known or not.")]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="An item's id.")]
Category = Annotated[str | None, typer.Option("--category", help="Only items of this category.")]
Domain = Annotated[str | None, typer.Option("--domain", help="Only items of this domain.")]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="POSITION", help="The position of a list, its numbers alone, or its request_id."),
]
Without = Annotated[
    str | None,
    typer.Option("--without", metavar="EVENT_ID", help="An event's id, or its place: @partition:offset[:index]."),
]

Diversity = Annotated[float | None, typer.Option("--diversity", min=0.0, max=1.0, help="How unlike each other.")]
Calibration = Annotated[
    float | None, typer.Option("--calibration", min=0.0, max=1.0, help="How near to the history's mix of categories.")
]
Fatigue = Annotated[
    float | None, typer.Option("--fatigue", min=0.0, max=1.0, help="How dearly what was shown lately pays.")
]
Cap = Annotated[int | None, typer.Option("--max-per-category", min=1, max=100, help="At most so many of a category.")]

EXPLAINED = 100
"""The longest list there is: an item's place is looked for in it."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    recommend_examples = (
        "coldspring recommend u1",
        "coldspring recommend u1 -n 5 --explain --json",
        "coldspring recommend u1 --diversity 0.5 --calibration 1 --max-per-category 3",
        "coldspring recommend u1 --as-of 812,790,801,799",
        "coldspring recommend u1 --as-of 6f1c2a",
    )
    command(app, "recommend", *recommend_examples)(recommend)
    command(app, "similar", "coldspring similar i9", "coldspring similar i9 -n 3 --json")(similar)
    command(app, "trending", "coldspring trending", "coldspring trending --category Horror --window 7d")(trending)
    command(app, "explain", "coldspring explain u1 i9", "coldspring explain u1 i9 --without e7")(explain)


def recommend(
    config: Configuration,
    user: User,
    n: Length = 10,
    category: Category = None,
    domain: Domain = None,
    exclude: Annotated[list[str] | None, typer.Option("--exclude", help="Leave this item out; repeatable.")] = None,
    diversity: Diversity = None,
    calibration: Calibration = None,
    fatigue: Fatigue = None,
    max_per_category: Cap = None,
    why: Annotated[bool, typer.Option("--explain", help="Show what each score is the sum of.")] = False,
    as_of: AsOf = None,
    as_json: Json = False,
) -> None:
    """The list for a user, known or not.

    With --as-of: as it would have been when the log was only read so far, made with today's items, weights and vectors.
    """
    dials = {
        "diversity": diversity, "calibration": calibration, "fatigue": fatigue, "max_per_category": max_per_category,
    }  # fmt: skip
    if as_of is not None:
        filters = {name: value for name, value in (("category", category), ("domain", domain)) if value is not None}
        query = {"user_id": user, "n": n, "filters": filters, "exclude": exclude or [], "explain": why}
        query.update({name: value for name, value in dials.items() if value is not None})
        answer = past.list_as_of(config, as_of, query)
        if as_json:
            print_json(answer)
        else:
            print_list(answer["items"], f"For {user}")
            past.print_as_of(answer["as_of"])
        return
    with connected(config) as client:
        answer = client.recommend(
            user,
            n,
            category=category,
            domain=domain,
            exclude=exclude or (),
            explain=why,
            diversity=diversity,
            calibration=calibration,
            fatigue=fatigue,
            max_per_category=max_per_category,
        )
    if as_json:
        print_json(answer)
    else:
        print_list(answer["items"], f"For {user}")


def similar(config: Configuration, item: Item, n: Length = 10, as_json: Json = False) -> None:
    """The items nearest to one, by behaviour and by content."""
    with connected(config) as client:
        items = client.similar(item, n)
    _show(items, f"Similar to {item}", as_json)


def trending(
    config: Configuration,
    n: Length = 10,
    category: Category = None,
    domain: Domain = None,
    window: Annotated[str, typer.Option("--window", help="How far back: 3h, 24h, 7d, 30d.")] = "24h",
    as_json: Json = False,
) -> None:
    """What is rising."""
    with connected(config) as client:
        items = client.trending(n, category=category, domain=domain, window=window)
    _show(items, f"Trending, last {window}", as_json)


def explain(
    config: Configuration, user: User, item: Item, without: Without = None, as_of: AsOf = None, as_json: Json = False
) -> None:
    """Why an item stands where it does in a user's list, or why it is left out.

    With --without: how it would stand had an event not happened, by a fold of the log without it.
    """
    if without is not None:
        past.standing_without(config, user, item, without, as_of, as_json)
        return
    if as_of is not None:
        raise typer.BadParameter("--as-of needs --without here; `recommend --as-of … --explain` explains a whole list")
    with connected(config) as client:
        answer = client.recommend(user, EXPLAINED, explain=True)
    found = _place(answer, user, item)
    if as_json:
        print_json(found)
    elif found["left_out"]:
        print_line(f"{item} is left out of the list of {user}: {found['left_out']}")
    else:
        print_list([found], f"Place {found['place']} in the list of {user}")


def connected(config: Configuration) -> Client:
    """A client of the running system."""
    from coldspring.client import Client

    return Client(f"http://{known(config).settings.http}")


def _place(answer: dict[str, Any], user: str, item: str) -> dict[str, Any]:
    for place, found in enumerate(answer["items"], 1):
        if found["item_id"] == item:
            return {"user_id": user, "place": place, "left_out": None, **found}
    for left in answer.get("left_out") or ():
        if left["item_id"] == item:
            return {"user_id": user, "place": None, "left_out": left["rule"], "item_id": item}
    raise CommandError(f"{item} is not among the {EXPLAINED} best of {user}, and no rule leaves it out")


def _show(items: list[dict[str, Any]], title: str, as_json: bool) -> None:
    if as_json:
        print_json({"items": items})
    else:
        print_list(items, title)
