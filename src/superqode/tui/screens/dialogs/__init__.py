"""Dialogs: each is a modal screen that gives a typed answer, or `None` where it was left with Escape."""

from __future__ import annotations
