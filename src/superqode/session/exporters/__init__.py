"""Exporters: sessions into text and bytes that travel without a store. Pure: sessions in, bytes out, and back."""

from __future__ import annotations

from superqode.session.exporters.exported import ExportedSession

__all__ = ["ExportedSession"]
