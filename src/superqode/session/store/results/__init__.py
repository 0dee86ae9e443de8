"""What the store's methods give back: small frozen values, with `value["field"]` for callers of the old store.

Names load when they are first used: making a class takes longer than giving a listing of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from superqode.session.lazy import lazy_names

if TYPE_CHECKING:
    from superqode.session.store.results.care import Finding as Finding
    from superqode.session.store.results.care import MaintenanceReport as MaintenanceReport
    from superqode.session.store.results.care import RepairReport as RepairReport
    from superqode.session.store.results.care import RepairStep as RepairStep
    from superqode.session.store.results.care import ScrubResult as ScrubResult
    from superqode.session.store.results.care import SecretPlace as SecretPlace
    from superqode.session.store.results.care import VerifyReport as VerifyReport
    from superqode.session.store.results.changes import ListChanges as ListChanges
    from superqode.session.store.results.done import MergeResult as MergeResult
    from superqode.session.store.results.done import PurgeResult as PurgeResult
    from superqode.session.store.results.done import SaveResult as SaveResult
    from superqode.session.store.results.done import TrashItem as TrashItem
    from superqode.session.store.results.found import SearchHit as SearchHit
    from superqode.session.store.results.history import Change as Change
    from superqode.session.store.results.history import SaveRecord as SaveRecord
    from superqode.session.store.results.history import SessionDiff as SessionDiff
    from superqode.session.store.results.listed import SessionSummary as SessionSummary
    from superqode.session.store.results.record import Record as Record

_HOMES: Final = {
    "Change": "superqode.session.store.results.history",
    "Finding": "superqode.session.store.results.care",
    "ListChanges": "superqode.session.store.results.changes",
    "MaintenanceReport": "superqode.session.store.results.care",
    "MergeResult": "superqode.session.store.results.done",
    "PurgeResult": "superqode.session.store.results.done",
    "Record": "superqode.session.store.results.record",
    "RepairReport": "superqode.session.store.results.care",
    "RepairStep": "superqode.session.store.results.care",
    "SaveRecord": "superqode.session.store.results.history",
    "SaveResult": "superqode.session.store.results.done",
    "ScrubResult": "superqode.session.store.results.care",
    "SearchHit": "superqode.session.store.results.found",
    "SecretPlace": "superqode.session.store.results.care",
    "SessionDiff": "superqode.session.store.results.history",
    "SessionSummary": "superqode.session.store.results.listed",
    "TrashItem": "superqode.session.store.results.done",
    "VerifyReport": "superqode.session.store.results.care",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605 - one table serves both
__getattr__, __dir__ = lazy_names(globals(), _HOMES)
