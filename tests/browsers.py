"""A real browser for the tests of pages: headless Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

__all__ = ["browser"]

# Read before a test: tests/conftest.py hides the SUPERQODE_ variables from those.
_REQUIRED = bool(os.environ.get("SUPERQODE_REQUIRE_SERVERS"))
_BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium, for the tests of one module: beside its event loop no other runs."""
    program = next((found for name in _BROWSERS if (found := shutil.which(name))), None)
    missing = [] if find_spec("playwright") else ["playwright is missing (Python package playwright)"]
    missing += [] if program else ["Chromium is missing (package chromium-headless-shell)"]
    if missing:
        told = ", ".join(missing)
        if _REQUIRED:
            pytest.fail(told)
        pytest.skip(told)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root may not use Chromium's sandbox; the pages are ours.
        launched = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield launched
        launched.close()
