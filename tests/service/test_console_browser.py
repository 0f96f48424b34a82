"""The console in a real browser: `scripts/test --browser`."""

from contextlib import contextmanager

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"
HOSTILE = """"><img src=x onerror=alert(1)><script>alert(2)</script> 它's"""
LEFT = "net::ERR_ABORTED"  # the test went on before the icon had come
SIZES = {"desktop": {"width": 1280, "height": 800}, "phone": {"width": 375, "height": 740}}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """Open pages that may complain of nothing: no message in the console, no failed request, no dialog."""

    @contextmanager
    def open_page(**options):
        complaints = []
        context = browser.new_context(**options)
        context.on("console", lambda message: complaints.append(message.text))
        context.on("weberror", lambda error: complaints.append(str(error.error)))
        context.on("requestfailed", lambda request: request.failure == LEFT or complaints.append(request.url))
        context.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        context.on("response", lambda response: response.ok or complaints.append(f"{response.status} {response.url}"))
        yield context.new_page()
        context.close()
        assert complaints == []

    return open_page


def test_enter_sends_and_the_button_copies_the_curl_line(open_service, open_page):
    allowed = ["clipboard-read", "clipboard-write"]
    with open_page(locale="en-GB", permissions=allowed) as page:
        page.goto(f"{open_service.url}/")
        page.select_option("#kb", "other")
        page.fill("#question", "where is it?")
        page.press("#question", "Enter")
        page.wait_for_selector("#answer")
        assert page.url == f"{open_service.url}/?lang=en"
        assert page.input_value("#kb") == "other"
        page.click("#copy")
        page.wait_for_function("document.getElementById('copy-status').textContent === 'Copied'")
        assert page.evaluate("navigator.clipboard.readText()") == page.text_content("#curl")


def test_what_is_typed_and_stored_is_text_and_never_runs(open_service, open_page):
    with open_page(locale="zh-CN") as page:
        page.goto(f"{open_service.url}/")
        page.fill("#question", HOSTILE)
        page.press("#question", "Enter")
        page.wait_for_selector("#answer")
        assert page.inner_text("#decision") == "直接回答"
        assert page.inner_text("#answer") == "<script>alert('hi')</script> 打开设置"
        assert page.input_value("#question") == HOSTILE


def test_it_works_without_javascript_but_for_the_copy_button(open_service, open_page):
    with open_page(java_script_enabled=False) as page:
        page.goto(f"{open_service.url}/?lang=en")
        page.fill("#question", "where is it?")
        page.press("#question", "Enter")
        page.locator("#answer").wait_for()
        assert page.locator("#copy").is_hidden()
        page.get_by_role("link", name="中文").click()
        page.get_by_role("button", name="提问").wait_for()


@pytest.mark.parametrize("size", sorted(SIZES))
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_no_page_scrolls_sideways(open_service, open_page, size, scheme, locale):
    with open_page(viewport=SIZES[size], color_scheme=scheme, locale=locale) as page:
        for question in (None, "https://example.org/" + "x" * 300):
            page.goto(f"{open_service.url}/")
            if question:
                page.fill("#question", question)
                page.press("#question", "Enter")
                page.wait_for_selector("#answer")
                page.click("summary")
            assert page.evaluate("document.documentElement.scrollWidth") == SIZES[size]["width"]


def test_a_key_is_typed_and_not_kept(keyed_service, bearer, open_page):
    secret = bearer["demo"]["Authorization"].removeprefix("Bearer ")
    with open_page(locale="en-GB") as page:
        page.goto(f"{keyed_service.url}/")
        page.fill("#key", secret)
        page.press("#key", "Enter")
        page.wait_for_selector("#question")
        assert page.input_value("#key") == ""
        page.fill("#key", secret)
        page.fill("#question", "where is it?")
        page.press("#question", "Enter")
        page.wait_for_selector("#answer")
        assert page.context.cookies() == []
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0


def test_the_api_documentation_is_drawn_within_its_policy(open_service, open_page):
    with open_page() as page:
        page.goto(f"{open_service.url}/docs")
        page.wait_for_selector("#operations-query-query")
        assert page.locator(".opblock").count() == 7
