"""The tree of forks: which session came from which, with the open one marked."""

from __future__ import annotations

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical

from superqode.session.store.lineage import Branching
from superqode.tui.library import Library
from superqode.tui.notices import told
from superqode.tui.rows.sessions import lineage_row
from superqode.tui.widgets.row_list import RowList

__all__ = ["LineagePane"]


class LineagePane(Vertical):
    """The family of the open session; choosing another opens it.

    Args:
        library: the store.
    """

    DEFAULT_CSS = "LineagePane { height: 1fr; }"

    def __init__(self, library: Library) -> None:
        super().__init__()
        self._library = library
        self._here = ""

    def compose(self) -> ComposeResult:
        """Draw the tree."""
        draw = RowList[Branching]
        yield draw(lambda branch: lineage_row(branch, self._here), key=lambda branch: branch[0].id, id="lineage")

    @property
    def rows(self) -> RowList[Branching]:
        """The sessions of the tree, each after its parent."""
        return self.query_one("#lineage", RowList)

    @work(exclusive=True, group="lineage")
    async def show(self, session_id: str) -> None:
        """Read the tree that a session is in."""
        first = self._here != session_id
        self._here = session_id
        with told(self):
            family = await self._library.lineage(session_id)
            self.rows.show(family, key=session_id if first else None)
