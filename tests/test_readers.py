"""Readers' questions (readers.yaml): Chromium walks from the overview to the answer of each."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Locator, Page

from report.views import VIEWS
from tests import reference_page

QUESTIONS: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("readers.yaml").read_text(encoding="utf-8")
)
WINDOWS = {"wide": (1440, 900), "phone": (390, 844)}
# What can be clicked; what is hidden is not there for a reader.
CLICKABLE = "a:visible, button:visible, summary:visible"


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    return reference_page.shared(tmp_path_factory)


@pytest.fixture(params=WINDOWS, scope="module")
def opened(request, browser, report) -> Page:
    width, height = WINDOWS[request.param]
    page = browser.new_page(viewport={"width": width, "height": height})
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(report.as_uri())
    yield page
    page.close()


@pytest.fixture
def page(opened) -> Page:
    """The overview of a page that is open: view, filters and folds are those of its address."""
    opened.goto(opened.url.split("#")[0] + "#overview")
    opened.wait_for_function("document.querySelector('#overview').checkVisibility()")
    return opened


def test_there_are_twenty_questions_and_more_of_every_view():
    assert len({one["question"] for one in QUESTIONS}) == len(QUESTIONS) >= 20
    assert {one["view"] for one in QUESTIONS} == {n for n, v in VIEWS.items() if not v.needs}
    for one in QUESTIONS:
        assert len(one["clicks"]) <= 2, one["question"]


@pytest.mark.parametrize("asked", QUESTIONS, ids=[one["question"] for one in QUESTIONS])
def test_a_reader_finds_the_answer(page, asked):
    led = 0.0
    for words in asked["clicks"]:
        led = click(page, words, led)
    (shown,) = page.locator(".view:visible").all()
    assert shown.get_attribute("id") == asked["view"]
    found = page.locator(asked["finds"]["at"])
    for words in asked["finds"]["says"]:
        found = found.filter(has_text=words)
    found = found.filter(visible=True)
    assert found.count(), f"nothing at {asked['finds']['at']} says {asked['finds']['says']}"
    within_a_screen(found.first, led)


def click(page: Page, words: str, led: float) -> float:
    """Click on what begins with these words; how far down the page has then led."""
    if " = " in words:
        key, value = words.split(" = ")
        control = page.locator(f".view:visible [data-key={key}]").first
        within_a_screen(control, led)
        control.select_option(label=value)
        return led
    menu = page.locator("#menu")
    if words in {view.title for view in VIEWS.values()} and menu.is_visible():
        menu.click()
    one = named(page, words)
    if not one.evaluate("one => Boolean(one.closest('header'))"):
        within_a_screen(one, led)
    follows = one.evaluate("one => one.matches('a')")
    one.click()
    return page.evaluate("scrollY") if follows else led


def named(page: Page, words: str) -> Locator:
    """The first thing to click on that begins with these words."""
    for one in page.locator(CLICKABLE).filter(has_text=words).all():
        if " ".join(one.inner_text().split()).lstrip("✓✕?– ").startswith(words.lstrip("✓✕?– ")):
            return one
    raise AssertionError(f"there is nothing to click on that says {words!r}")


def within_a_screen(one: Locator, led: float) -> None:
    """Fail where it begins more than one screen below the window that the page has led to."""
    top = one.evaluate("one => one.getBoundingClientRect().top + scrollY") - led
    height = one.page.viewport_size["height"]
    assert -1 <= top <= 2 * height, f"{top / height:.1f} windows below where the page led to"
