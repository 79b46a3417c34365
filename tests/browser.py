"""A real browser, the people who sit at it, and what goes wrong in it without their seeing it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, sync_playwright

from api.web.language import Locale, load_locale

GRAVE = ("serious", "critical")
"""Impacts of axe-core's findings that no page may have."""

DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}

_PARTS = "[hx-trigger=load], [hx-trigger=revealed]"
_SHOW_NEXT_PART = f"""() => {{
  const part = document.querySelector("{_PARTS}");
  part?.scrollIntoView();
  return part === null;
}}"""


def find_chromium() -> str | None:
    """Return where the browser is, None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@contextmanager
def open_browser(path: str, *options: str) -> Iterator[Browser]:
    """Run the browser until the block ends."""
    with sync_playwright() as playwright:
        # Containers run as root, where Chromium has no sandbox.
        arguments = ["--no-sandbox", *options]
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@dataclass  # without slots: Playwright keeps marks of its own on whoever listens
class Watch:
    """Listens to a page for what its reader does not see.

    Attributes
    ----------
    problems
        Errors in the console, those of the Content-Security-Policy among them; requests to other
        hosts; answers that say that the server failed, or that a file of the page is missing.
    """

    host: str
    problems: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        """Listen to everything the page does."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("request", self._see_request)
        page.on("response", self._see_response)

    def _hear(self, message: ConsoleMessage) -> None:
        # That an answer was 403 or 409 is what tests ask for; `_see_response` tells the others.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.problems.append(f"console: {message.text}")

    def _see_request(self, request: Request) -> None:
        target = urlsplit(request.url)
        if target.scheme not in ("data", "blob") and target.netloc != self.host:
            self.problems.append(f"left the host: {request.url}")

    def _see_response(self, response: Response) -> None:
        is_missing = response.status == 404 and response.request.resource_type != "document"
        if is_missing or response.status >= 500:
            self.problems.append(f"{response.status}: {response.url}")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at a browser of their own.

    Attributes
    ----------
    name
        As the ledger calls them; empty for somebody who is not signed in.
    """

    name: str
    page: Page
    locale: Locale
    address: str
    watch: Watch

    def open(self, path: str) -> None:
        """Go to a page."""
        self.page.goto(self.address + path)

    def told(self, key: str, **values: str) -> str:
        """Return the wording of a key in this person's language."""
        return self.locale.tell(key, **values)

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        # A page has its address before it has its scripts.
        self.page.wait_for_load_state("load")
        for key in keys:
            self.page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Type into whatever has the focus."""
        self.page.keyboard.insert_text(text)

    def focus_by_keyboard(self, name: str) -> None:
        """Press Tab until the element of this name has the focus."""
        for _ in range(60):
            self.press("Tab")
            focused = self.page.locator(":focus")
            if focused.count() and name in (focused.inner_text(), focused.get_attribute("name")):
                return
        raise AssertionError(f"Tab never reaches {name!r}")

    def pick(self, words: str) -> None:
        """Type into the picker that has the focus, and take the first thing it offers."""
        self.write(words)
        offered = self.page.locator("[role=listbox]:not([hidden]) [role=option][data-code]")
        offered.first.wait_for()
        self.press("ArrowDown", "Enter")

    def wait_for_parts(self) -> None:
        """Scroll until all parts of the page that come later are there."""
        self.page.wait_for_function(_SHOW_NEXT_PART)
        self.page.wait_for_load_state("networkidle")

    def grave_violations(self) -> list[str]:
        """Return axe-core's serious and critical findings, each with where it was found."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{one['id']} ({one['impact']}): {node['target']} {node['failureSummary']}"
            for one in found
            if one["impact"] in GRAVE
            for node in one["nodes"]
        ]


def seat(browser: Browser, address: str, language: str, **options: Any) -> Person:
    """Open a browser for somebody who is not signed in."""
    context = browser.new_context(**{"viewport": DESKTOP} | options)
    context.set_default_timeout(30_000)
    context.add_cookies([{"name": "lang", "value": language, "url": address}])
    watch = Watch(urlsplit(address).netloc)
    page = context.new_page()
    watch.follow(page)
    return Person("", page, load_locale(language), address, watch)


def sign_in(person: Person, link: str, name: str) -> Person:
    """Return somebody signed in by a link, where nobody was."""
    person.page.request.post(link, form={"password": "", "again": ""}, max_redirects=0)
    return replace(person, name=name)
