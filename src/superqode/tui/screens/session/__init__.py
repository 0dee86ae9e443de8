"""The screen of one session: a module for each of its tabs."""

from __future__ import annotations
