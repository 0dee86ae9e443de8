"""A real browser for the tests of pages: headless Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import pytest

__all__ = ["browser", "find_browser", "launch"]

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
