"""What the tests of exporters share: a real browser."""

from __future__ import annotations

from browsers import browser

__all__ = ["browser"]
