"""Widgets of the terminal app: what is drawn of lists and conversations is only what is seen."""

from __future__ import annotations
