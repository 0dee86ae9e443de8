"""Screens of the terminal app, one module each; `dialogs/` has those that ask and give a typed answer."""

from __future__ import annotations
