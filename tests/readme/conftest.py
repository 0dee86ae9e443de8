"""What the tests of the README share: a real browser."""

from __future__ import annotations

from browsers import browser

__all__ = ["browser"]
