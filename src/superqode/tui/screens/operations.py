"""What moved or removed something in the store, newest first, and taken back with a key."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer

from superqode.cli.text import count
from superqode.session.store.operations.results import Operation, UndoneOperation
from superqode.tui.lines import Line, Piece
from superqode.tui.notices import tell, told
from superqode.tui.rows.operations import operation_lines, operation_row
from superqode.tui.screens.base import StoreScreen
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.row_list import RowList

__all__ = ["OperationsScreen"]

# How many operations are read at first, and again whenever the end of the list comes near.
_PAGE: Final = 200
_NEAR: Final = 20
_CHANGES_TOLD: Final = 3


class OperationsScreen(StoreScreen[None]):
    """The log of operations."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back"),
        Binding("enter,u", "take_back", "Take back"),
    ]
    DEFAULT_CSS = """
    OperationsScreen #operations { height: 1fr; }
    OperationsScreen #facts { height: 11; border-top: solid $panel; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._wanted = _PAGE

    def compose(self) -> ComposeResult:
        """Draw the list, and what is known of the highlighted operation."""
        yield LinesView([Line((Piece("Operations", "title"),))], id="heading", classes="heading")
        empty = "Nothing was moved or removed here."
        yield RowList(operation_row, key=lambda operation: operation.id, height=2, empty=empty, id="operations")
        yield LinesView(id="facts")
        yield Footer()

    def on_mount(self) -> None:
        """Let the list have the keys."""
        self.rows.focus()

    @property
    def rows(self) -> RowList[Operation]:
        """The operations."""
        return self.query_one("#operations", RowList)

    def store_changed(self) -> None:
        """List anew."""
        self._list()

    @work(exclusive=True, group="listing")
    async def _list(self) -> None:
        with told(self):
            found = await self.library.store.operations(self._wanted)
            self.rows.show(found)
            more = " or more" if len(found) == self._wanted else ""
            heading = Line((Piece("Operations", "title"),), (Piece(f"{count(len(found), 'operation')}{more}", "dim"),))
            self.query_one("#heading", LinesView).show([heading])
            self._tell()

    @on(RowList.Highlighted)
    def _highlighted(self) -> None:
        self._tell()
        if self.rows.cursor > len(self.rows.items) - _NEAR and len(self.rows.items) == self._wanted:
            self._wanted += _PAGE
            self._list()

    def _tell(self) -> None:
        operation = self.rows.current
        self.query_one("#facts", LinesView).show(operation_lines(operation) if operation is not None else [])

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        self.action_take_back()

    @work(exclusive=True, group="dialog")
    async def action_take_back(self) -> None:
        """Take the highlighted operation back; that is one itself, and can be taken back."""
        operation = self.rows.current
        if operation is None:
            return
        with told(self):
            tell(self.app, _what(await self.library.store.undo_operation(operation.id)))
            self.rows.move_to(0)
        self.store_changed()


def _what(done: UndoneOperation) -> str:
    """What taking back did, in a line."""
    more = len(done.changes) - _CHANGES_TOLD
    changes = [*done.changes[:_CHANGES_TOLD], *([f"and {more} more"] if more > 0 else [])]
    share = ". Shares (h) sends the share to its remote again" if done.share else ""
    return f"Took back {done.operation.verb}: {', '.join(changes)}{share}"
