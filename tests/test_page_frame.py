"""The page's frame in real Chromium: navigation, addresses, menu, words, paper, and access."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from report.views import ALIASES, VIEWS
from tests import reference_page
from tests.axe import assert_accessible

# What addresses of older pages name, and the view that has it now.
OLD = {
    "answers": "overview", "filters": "accuracy", "matrix": "accuracy", "curves": "accuracy",
    "advice": "accuracy", "speed": "speed", "sameness": "same", "claims": "claims",
    "insides": "inside", "tables": "runs", "runs": "runs", "run": "runs", "methods": "methods",
    "glossary": "methods", "published": "runs", "verified": "runs", "compared": "runs",
}  # fmt: skip
VIEW_NAMES = [name for name, view in VIEWS.items() if not view.needs]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    return reference_page.shared(tmp_path_factory)


@pytest.fixture
def page(browser, report) -> Page:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(report.as_uri())
    yield page
    page.close()


@pytest.fixture
def phone(browser, report) -> Page:
    phone = browser.new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    phone.on("pageerror", lambda error: pytest.fail(str(error)))
    phone.goto(report.as_uri())
    yield phone
    phone.close()


def shown(page: Page) -> list[str]:
    return page.eval_on_selector_all(
        ".view", "all => all.filter(v => v.offsetParent !== null).map(v => v.id)"
    )


def here(page: Page) -> str:
    """The view that the navigation says one is in."""
    (link,) = page.locator("#navigation a[aria-current=page]").all()
    return str(link.get_attribute("href")).removeprefix("#")


def top(page: Page, selector: str) -> float:
    """How far below the upper edge of the window something begins."""
    return page.locator(selector).evaluate("one => one.getBoundingClientRect().top")


def wait_until(page: Page, says: str) -> None:
    """Until this is true; Playwright's own waiting is code that the page does not allow."""
    for _ in range(100):
        if page.evaluate(says):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {says}")


def opened(page: Page) -> list[str]:
    return page.eval_on_selector_all("details.fold[open]", "all => all.map(one => one.id)")


def test_nothing_is_named_twice(page):
    ids = page.eval_on_selector_all("[id]", "all => all.map(one => one.id)")
    assert len(ids) == len(set(ids)), sorted(one for one in set(ids) if ids.count(one) > 1)


def test_the_navigation_stays_beside_the_content_and_leads_to_every_view(page):
    links = page.locator("#navigation a[href^='#']")
    assert [a.get_attribute("href") for a in links.all()] == [f"#{name}" for name in VIEW_NAMES]
    assert (here(page), shown(page)) == ("overview", ["overview"])
    for link, name in zip(links.all(), VIEW_NAMES, strict=True):
        link.click()
        assert (here(page), shown(page)) == (name, [name])
        assert page.url.endswith(f"#{name}")
        assert page.title() == f"{VIEWS[name].title} · GateBench report"
        assert page.locator(f"#{name} h2").first.inner_text() == VIEWS[name].question
        assert page.evaluate("scrollY") == 0
        page.mouse.wheel(0, 900)
        assert link.is_visible()
        assert link.bounding_box()["x"] + link.bounding_box()["width"] < 250
        assert page.locator("main").bounding_box()["x"] >= 150


@pytest.mark.parametrize(("anchor", "view"), list(OLD.items())[::4])
def test_old_addresses_lead_to_what_they_name(browser, report, anchor, view):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{report.as_uri()}#{anchor}")
    leads(page, anchor, view, 390)
    page.close()


def test_old_addresses_lead_there_from_an_open_page_too(page):
    for anchor, view in OLD.items():
        page.goto(page.url.split("#")[0] + f"#{anchor}")
        page.wait_for_timeout(100)
        leads(page, anchor, view, 1440)


def leads(page: Page, anchor: str, view: str, width: int) -> None:
    """The address shows its view, and its place is in the window."""
    assert (here(page), shown(page)) == (view, [view]), anchor
    place = next(
        name for name in (anchor, ALIASES.get(anchor), view) if page.locator(f"#{name}").count()
    )
    bar = page.locator("body > header").bounding_box()
    above = bar["height"] if bar["width"] == width else 0
    # An empty place has no height; the others are in the window, not under the bar.
    height = page.viewport_size["height"]
    assert place == "run" or above <= top(page, f"#{place}") <= height, anchor


def test_what_was_not_made_says_how_where_its_address_leads(page):
    for anchor, command in (
        ("published", "make papers"), ("verify", "make verify"), ("compare", "make compare"),
    ):  # fmt: skip
        page.goto(page.url.split("#")[0] + f"#{anchor}")
        assert here(page) == "runs"
        assert command in page.evaluate("document.activeElement.innerText")


def test_an_address_of_nothing_leads_to_the_overview(page):
    page.goto(page.url + "#no-such-place?task=no-such-task&nonsense=1")
    assert shown(page) == ["overview"]


def test_back_and_forward_lead_through_the_views_and_back_to_the_place(page):
    page.locator("#navigation a[href='#methods']").click()
    page.evaluate("scrollTo(0, 300)")
    place = page.evaluate("scrollY")
    assert place == 300
    page.locator("#navigation a[href='#claims']").click()
    assert shown(page) == ["claims"]
    page.go_back()
    assert (here(page), shown(page)) == ("methods", ["methods"])
    assert page.evaluate("scrollY") == place
    page.go_back()
    assert shown(page) == ["overview"]
    page.go_forward()
    page.go_forward()
    assert (here(page), shown(page)) == ("claims", ["claims"])


def test_a_fold_stands_in_the_address_while_it_is_open(page, browser):
    address, places = page.url.split("#")[0], []
    for name in VIEW_NAMES:
        page.goto(f"{address}#{name}")
        folds = page.locator(f"#{name} > section > details.fold, #{name} > details.fold")
        if folds.count() < 1:
            continue
        fold = str(folds.first.get_attribute("id"))
        folds.first.locator("> summary").click()
        wait_until(page, f"location.hash.includes('open={fold}')")
        places.append((name, fold, page.url))
        folds.first.locator("> summary").click()
        wait_until(page, "!location.hash.includes('open')")
    assert len(places) >= 3
    for name, fold, left in (places[0], places[-1]):
        again = browser.new_page()
        again.goto(left)
        assert (shown(again), opened(again)) == ([name], [fold])
        again.goto(f"{address}#{fold}")
        again.reload()
        assert (shown(again), opened(again)) == ([name], [fold])
        assert again.evaluate("document.activeElement.tagName") == "SUMMARY"
        again.close()


def test_filters_stand_in_the_address_and_are_said_where_they_cannot_be_seen(page, browser):
    page.goto(page.url + "#accuracy")
    page.locator("#accuracy [data-key=framework]").select_option("pytorch")
    assert "framework=pytorch" in page.url
    again = browser.new_page()
    again.goto(page.url)
    assert again.locator("#accuracy [data-key=framework]").input_value() == "pytorch"
    assert not again.locator("#filtered").is_visible()
    again.locator("#navigation a[href='#methods']").click()
    assert again.locator("#filtered span").inner_text() == "Only PyTorch is shown."
    # The overview hides nothing.
    again.locator("#navigation a[href='#overview']").click()
    assert not again.locator("#filtered").is_visible()
    again.go_back()
    again.locator("#filtered .reset").click()
    assert "framework" not in again.url
    assert not again.locator("#filtered").is_visible()
    again.close()


def test_the_keyboard_alone_leads_everywhere(page):
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.getAttribute('href')"))
    assert reached == ["#overview", "#overview", "#accuracy", "#speed"], "title, then the views"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "one sees where one is"
    page.keyboard.press("Enter")
    assert shown(page) == ["speed"]
    assert page.evaluate("document.activeElement.id") == "speed"
    # The next stop is in the view, not in the navigation again.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('.view')?.id") == "speed"


def test_the_skip_link_leads_into_the_view_that_is_shown(page):
    page.goto(page.url + "#claims")
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert (shown(page), page.evaluate("document.activeElement.id")) == (["claims"], "claims")
    assert page.url.endswith("#claims")


def test_the_menu_of_a_phone_opens_and_closes(phone):
    menu, navigation = phone.locator("#menu"), phone.locator("#navigation")
    assert menu.inner_text().split() == ["Overview", "Menu"]
    assert not navigation.is_visible()
    menu.click()
    assert navigation.is_visible()
    assert phone.locator("#navigation a").last.bounding_box()["height"] >= 36
    phone.locator("#navigation a[href='#methods']").click()
    assert not navigation.is_visible()
    assert shown(phone) == ["methods"]
    assert menu.inner_text().split() == ["Methods", "Menu"]
    menu.click()
    phone.keyboard.press("Tab")
    assert phone.evaluate("document.activeElement.closest('#navigation') !== null")
    phone.keyboard.press("Escape")
    assert not navigation.is_visible()
    assert phone.evaluate("document.activeElement.id") == "menu"
    menu.press("Enter")
    assert navigation.is_visible()
    phone.locator("main").click(position={"x": 5, "y": 700})
    assert not navigation.is_visible()


def test_a_term_explains_itself_by_a_tap_or_by_enter(page, phone):
    for one, act in ((page, "press"), (phone, "tap")):
        found = None
        for name in VIEW_NAMES:
            one.goto(one.url.split("#")[0] + f"#{name}")
            terms = one.locator(f"#{name} button.term:visible")
            if terms.count():
                found = terms.first
                break
        if found is None:
            pytest.skip("no view has a term")
        popover = one.locator(f"#{found.get_attribute('popovertarget')}")
        assert not popover.is_visible()
        if act == "press":
            found.press("Enter")
        else:
            found.tap()
        assert popover.is_visible()
        assert_accessible(one)
        one.keyboard.press("Escape")
        assert not popover.is_visible()
        assert shown(one) == [name]
        found.click()
        popover.locator("a").click()
        assert not popover.is_visible()
        assert shown(one) == ["methods"]
        assert -1 <= top(one, "#glossary") <= 400


def test_without_a_script_all_views_are_there_to_read(browser, report):
    for width in (390, 1440):
        context = browser.new_context(
            java_script_enabled=False, viewport={"width": width, "height": 800}
        )
        page = context.new_page()
        page.goto(report.as_uri())
        for name in VIEW_NAMES:
            assert page.locator(f"#{name} h2").first.is_visible(), name
        assert "need JavaScript" in page.locator("noscript").first.inner_text()
        assert page.locator("#navigation a").last.is_visible()
        assert page.locator(".filters:visible").count() == 0
        page.locator("#navigation a[href='#methods']").click()
        assert 0 <= page.locator("#methods").bounding_box()["y"] < 800
        context.close()


def test_paper_shows_every_view_and_every_fold_and_the_screen_is_as_before(page):
    page.goto(page.url + "#methods")
    folds = page.locator("details").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert shown(page) == VIEW_NAMES
    assert page.locator("details[open]").count() == folds
    assert not page.locator("#navigation").is_visible()
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.wait_for_timeout(100)
    assert page.locator("details[open]").count() == 0
    assert (shown(page), page.url.split("#")[1]) == (["methods"], "methods")
    assert len(page.pdf()) > 50_000


@pytest.mark.parametrize(
    ("width", "height", "theme"),
    [(390, 844, "light"), (1440, 900, "dark")],
)
def test_every_view_is_accessible_and_no_wider_than_its_window(
    browser, report, width, height, theme
):
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=theme)
    for name in VIEW_NAMES:
        page.goto(f"{report.as_uri()}#{name}")
        assert shown(page) == [name]
        for wide in (width, 800):
            page.set_viewport_size({"width": wide, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= wide, name
        page.set_viewport_size({"width": width, "height": height})
        assert_accessible(page)
    page.close()


def test_no_view_is_a_wall(page):
    for name in VIEW_NAMES:
        page.goto(page.url.split("#")[0] + f"#{name}")
        assert shown(page) == [name]
        assert page.evaluate("document.documentElement.scrollHeight") <= 3500, name
