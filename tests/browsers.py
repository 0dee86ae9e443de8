"""A real browser for the tests of pages: headless Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

__all__ = ["browser", "find_browser", "launch", "watched"]

# Read before a test: tests/conftest.py hides the SUPERQODE_ variables from those.
_REQUIRED = bool(os.environ.get("SUPERQODE_REQUIRE_SERVERS"))
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """Give the path of a Chromium, if there is one."""
    return next((found for name in _BROWSERS if (found := shutil.which(name))), None)


@contextmanager
def launch() -> Iterator[Any]:
    """Start headless Chromium, which must be there."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root may not use Chromium's sandbox; the pages are ours.
        launched = playwright.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, for the tests of one module: beside its event loop no other runs."""
    missing = [] if find_spec("playwright") else ["playwright is missing (Python package playwright)"]
    missing += [] if find_browser() else ["Chromium is missing (package chromium-headless-shell)"]
    if missing:
        told = ", ".join(missing)
        if _REQUIRED:
            pytest.fail(told)
        pytest.skip(told)
    with launch() as launched:
        yield launched


@contextmanager
def watched(browser: Any, allowed: Callable[[str], bool]) -> Iterator[Callable[..., Any]]:
    """Gives what opens a URL; at the end, nothing but allowed URLs was asked for, and nothing was complained of."""
    contexts: list[Any] = []
    asked: list[str] = []
    complaints: list[str] = []

    def opened(url: str, **options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not allowed(url)] == []
