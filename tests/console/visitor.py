"""A page of the console in Chromium, which fails the test on anything that a page may never do."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect

from infra.console import MODULES

SCREENSHOTS = Path(__file__).parent / "screenshots"
"""Ignored by git. They are made if the environment has PICTURES, because they cost half as much as the checks."""
WIDTHS = {"desktop": 1440, "phone": 390}
SHOP = "Example shop"
"""In the navigation, but not a page of the console."""
Look = tuple[Literal["light", "dark"], str]
"""A theme and a device."""
EVERY: tuple[Look, ...] = (("light", "desktop"), ("light", "phone"), ("dark", "desktop"), ("dark", "phone"))
OPPOSITE: tuple[Look, ...] = (("light", "desktop"), ("dark", "phone"))
"""Enough for a state of a page: both widths and both themes, but each width in one theme."""
HEIGHT = 900
SERIOUS = ("serious", "critical")
STORED = "serendip.sessions"
VIOLATIONS = "async () => (await axe.run({resultTypes: ['violations']})).violations"
"""Describing what is right as well would take as long again."""
DRAWN = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Charts follow a width in the next frame."""
ANIMATIONS = "document.getAnimations().length"


class Visitor:
    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.faults: list[str] = []
        """Errors of the page's console, uncaught exceptions, violations of the policy, requests beyond loopback."""
        self.expected: list[str] = []
        """Parts of faults that the test provokes, such as "404"."""
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.faults.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._check_address(request.url))

    def open(self, path: str = "") -> Page:
        """Opens a page of the console, such as `/catalog`, and waits for its heading."""
        self.page.goto(f"{self.base}/console{path}")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()
        return self.page

    def every_page(self) -> Iterator[str]:
        """Opens one page after the other by the navigation; yields the title of each when it has loaded."""
        navigation = self.open().get_by_role("navigation")
        for title in navigation.get_by_role("link").all_inner_texts():
            if title == SHOP:
                continue
            navigation.get_by_role("link", name=title, exact=True).click()
            expect(self.page.get_by_role("heading", level=1, name=title, exact=True)).to_be_visible()
            expect(self.page.locator(".loading")).to_have_count(0)
            yield title

    def check_accessible(self) -> None:
        """Fails on serious findings of axe."""
        page = self.page
        if not page.evaluate("'axe' in window"):
            page.evaluate((MODULES / "axe-core" / "axe.min.js").read_text())
        violations: list[dict[str, Any]] = page.evaluate(VIOLATIONS)
        serious = [
            f"{finding['id']}: {finding['help']}: {[node['html'][:200] for node in finding['nodes'][:4]]}"
            for finding in violations
            if finding["impact"] in SERIOUS
        ]
        assert serious == [], serious

    def photograph(self, name: str, looks: Sequence[Look] = OPPOSITE) -> None:
        """Checks the current page in some looks, and photographs it if pictures are wanted."""
        expect(self.page.locator("[aria-busy=true]:not(button)")).to_have_count(0, timeout=60_000)  # it is dimmed
        expect(self.page.locator(".loading")).to_have_count(0)
        self.page.evaluate("scrollTo(0, 0)")  # what sticks to the window would be in the middle
        size, checked = self.page.viewport_size, ""
        for theme, device in looks:
            self.page.emulate_media(color_scheme=theme)
            expect(self.page.locator(f"html:not([data-theme]), html[data-theme={theme}]")).to_have_count(1)
            assert self.page.evaluate(ANIMATIONS) == 0, "a visitor who prefers reduced motion sees colors change slowly"
            width = WIDTHS[device]
            self.page.set_viewport_size({"width": width, "height": HEIGHT})
            self.page.evaluate(DRAWN)
            if "PICTURES" in os.environ:
                has_dialog = self.page.locator("dialog[open]").count() > 0
                path = SCREENSHOTS / f"{name}-{device}-{theme}.png"
                self.page.screenshot(path=path, full_page=not has_dialog)
            too_wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not too_wide, f"{name} scrolls sideways at {width} px"
            if theme != checked:
                self.check_accessible()
            checked = theme
        if size is not None:
            self.page.set_viewport_size(size)

    def check(self) -> None:
        faults = [fault for fault in self.faults if not any(part in fault for part in self.expected)]
        assert not faults, faults

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.faults.append(f"{message.type}: {message.text}")

    def _check_address(self, url: str) -> None:
        address = urlsplit(url)
        if address.scheme not in {"data", "blob"} and address.hostname not in {"127.0.0.1", "localhost"}:
            self.faults.append(f"request to {url}")


def card(page: Page, title: str) -> Locator:
    """The card with this heading."""
    return page.locator("section.card", has=page.get_by_role("heading", name=title))


@contextmanager
def visiting(browser: Browser, base: str, key: str | None) -> Iterator[Visitor]:
    """A page in a context of its own, signed in with the key."""
    context = browser.new_context(viewport={"width": WIDTHS["desktop"], "height": HEIGHT}, reduced_motion="reduce")
    if key is not None:
        principal = httpx2.get(f"{base}/v1/principal", headers={"X-API-Key": key}, timeout=60).json()
        sessions = json.dumps([{"credential": key, "principal": principal}])
        context.add_init_script(
            f"sessionStorage.getItem('{STORED}') ?? sessionStorage.setItem('{STORED}', {json.dumps(sessions)})"
        )
    visitor = Visitor(context.new_page(), base)
    try:
        yield visitor
        visitor.check()
    finally:
        visitor.page.unroute_all(behavior="ignoreErrors")  # of requests on their way
        context.close()
