"""The page in a real browser: what is clicked becomes an event, and the list changes."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.unit.fakes.running import RunningServer

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
ARGUMENTS += ["--disable-component-update", "--disable-sync"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def server() -> Iterator[RunningServer]:
    with RunningServer(delay_s=0.1) as running:
        yield running


@pytest.fixture
def page(browser: Browser, server: RunningServer) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    strange: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(server.url) else strange.append(request.url))
    page.on("pageerror", lambda error: strange.append(str(error)))
    page.goto(server.url)
    yield page
    page.close()
    assert strange == []


def titles(page: Page) -> list[str]:
    return page.locator(".card h3").all_inner_texts()


@pytest.mark.parametrize(("button", "type_"), [("Like", "like"), ("Click", "click"), ("Skip", "dislike")])
def test_a_button_sends_an_event_and_the_list_is_drawn_anew(
    page: Page, server: RunningServer, button: str, type_: str
) -> None:
    expect(page.locator(".card")).to_have_count(10)
    before = titles(page)
    page.get_by_role("button", name=f"{button}: 三体").click()
    expect(page.locator("#said")).to_have_class("good")
    [(topic, event)] = server.publisher.written
    assert (topic, event.item_id, event.type) == ("interactions", "i2", type_)
    assert event.user_id == page.get_by_label("User").input_value()
    assert event.request_id
    after = titles(page)
    assert "三体" in before
    assert "三体" not in after
    assert len(after) == 10
    expect(page.locator("#past")).to_contain_text("三体")


def test_a_text_in_chinese_makes_the_list(page: Page, server: RunningServer) -> None:
    page.get_by_label("In words").fill("我喜欢科幻小说")
    page.keyboard.press("Enter")
    expect(page.locator(".card").first.locator(".chips, summary")).to_contain_text("alike in content")
    assert server.service.queries[-1].text == "我喜欢科幻小说"
    assert page.locator(".card h3[lang=zh-Hans]").count() > 0


def test_reasons_are_shown_on_demand_and_by_keyboard(page: Page) -> None:
    first = page.locator(".card").first
    expect(first.locator(".reasons")).to_be_hidden()
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(first.locator(".reasons li").first).to_be_visible()
    assert first.locator(".score").inner_text() == "0.50"


def test_users_can_be_chosen(page: Page, server: RunningServer) -> None:
    page.get_by_role("button", name="Someone known").click()
    expect(page.get_by_label("User")).to_have_value(re.compile("^(u1|u2|读者七)$"))
    page.get_by_role("button", name="New visitor").click()
    expect(page.get_by_label("User")).to_have_value(re.compile("^visitor-"))
    page.get_by_label("User").fill("a/b c")
    page.keyboard.press("Enter")
    expect(page.locator("#for-title")).to_have_text("For a/b c")
    assert server.service.queries[-1].user_id == "a/b c"


def test_figures_rising_and_newest(page: Page, server: RunningServer) -> None:
    expect(page.locator("#live")).to_have_attribute("data-state", "ready")
    expect(page.locator("#f-applied")).to_have_text("1,000")
    rate = server.service.quality["models"]["default"]["hr@10"]
    expect(page.locator("#f-quality .own")).to_contain_text(f"{100 * rate:.1f} %")
    expect(page.locator("#rising li")).to_have_count(8)
    expect(page.locator("#newest li").nth(1)).to_contain_text("+1.1 s")


def test_the_live_quality_is_drawn_by_slice_with_its_alarm(page: Page, server: RunningServer) -> None:
    curves = page.locator("#curves")
    expect(curves.locator("path.default")).to_have_count(1)
    expect(curves.locator("path.popularity")).to_have_count(1)
    expect(curves.locator("line.drop")).to_have_count(1)
    expect(page.locator("#drift")).to_contain_text("Drift: it fell from")
    told = server.service.quality["slices"]
    for slice_, label in (("all", "everything"), ("cold_items", "new items"), ("warm_users", "known users")):
        page.get_by_label("Slice").select_option(label=label)
        rate = f"{100 * told[slice_]['hr@10']['default']:.1f} %"
        expect(curves.locator("li.default")).to_have_text(f"Coldspring {rate}")
    server.service.quality = {**server.service.quality, "drift": {"alarm": False, "alarms": 0}}
    expect(page.locator("#drift")).to_be_hidden()
    expect(curves.locator("line.drop")).to_have_count(0)


def test_a_store_that_is_away_is_said_and_healed(page: Page, server: RunningServer) -> None:
    expect(page.locator(".card")).to_have_count(10)
    server.service.away = "the state is catching up"
    expect(page.locator("#live")).to_have_attribute("data-state", "away")
    page.get_by_role("button", name="New visitor").click()
    expect(page.locator("#said")).to_have_text("the state is catching up")
    server.service.away = ""
    expect(page.locator("#said")).to_contain_text("10 items")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_a_phone(browser: Browser, server: RunningServer, scheme: str) -> None:
    page = browser.new_page(
        viewport={"width": 400, "height": 800}, color_scheme="dark" if scheme == "dark" else "light"
    )
    page.goto(server.url)
    expect(page.locator(".card")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.close()


def test_the_page_of_the_api(page: Page, server: RunningServer) -> None:
    page.goto(f"{server.url}/docs")
    expect(page.locator("summary code", has_text="/v1/trending")).to_be_visible()
    expect(page.locator("#problems dt")).to_have_count(12)
