"""What an agent wants to do, and whether it may."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer

from superqode.session.exporters.html.diffs import Edit, edit_diff
from superqode.session.exporters.reading import gist, json_text
from superqode.session.exporters.visible import visible
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.widgets.lines_view import LinesView
from superqode.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from superqode.acp import Option, Permission

__all__ = ["PermissionDialog"]

_LINES_MAX: Final = 500
# How long the keys must have been quiet before one is an answer, in seconds: people write the next prompt meanwhile.
_QUIET: Final = 0.7
_WAITING: Final = "keys answer in a moment"
_KEYS: Final = "a approve · r refuse · escape cancel"
_ROLES: Final = {"add": "add", "del": "del", "hunk": "hunk"}


class PermissionDialog(ModalScreen["str | None"]):
    """Shows a tool call and the changes it would make; gives the chosen answer's id, or `None` for a cancelled one.

    Keys that come as it opens were meant for the prompt: they answer nothing until they have paused.

    Args:
        question: what the agent asks.
        project: the session's project; paths inside it are told from there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("a", "take('allow_once', 'allow_always')", "Approve"),
        Binding("r", "take('reject_once', 'reject_always')", "Refuse"),
    ]
    DEFAULT_CSS = """
    PermissionDialog { align: center middle; background: $background 60%; }
    PermissionDialog > #box {
        width: 90%; max-width: 110; height: auto; max-height: 90%; background: $surface; padding: 0 1;
        border: round $warning; border-title-color: $text-warning; border-title-style: bold;
        border-subtitle-color: $foreground 60%;
        & > #call { height: auto; max-height: 16; background: $background; margin: 1 0; }
        & > #options { height: auto; max-height: 8; background: $surface; }
    }
    """

    def __init__(self, question: Permission, project: str) -> None:
        super().__init__()
        self._question = question
        self._lines = list(_call_lines(question, project))
        self._armed = False
        self._heard: float | None = None
        self._telling: Timer | None = None

    def compose(self) -> ComposeResult:
        """Draw the call, and the answers the agent offers."""
        box = Vertical(id="box")
        box.border_title = "May the agent do this?"
        box.border_subtitle = _WAITING
        with box:
            call = LinesView(self._lines, id="call")
            call.styles.height = min(len(self._lines), 16)
            yield call
            yield RowList(_option_row, key=lambda option: option.id, empty="It offers no answer: escape", id="options")

    def on_mount(self) -> None:
        """List the answers."""
        rows = self.query_one("#options", RowList)
        rows.styles.height = max(1, min(len(self._question.options), 8))
        rows.show(self._question.options)
        rows.focus()
        self.call_after_refresh(self._seen)

    def _seen(self) -> None:
        self._wait(Message().time)  # on the clock that stamps keys

    def _wait(self, heard: float) -> None:
        self._heard = heard
        self._tell(_WAITING)
        if self._telling is not None:
            self._telling.stop()
        self._telling = self.set_timer(_QUIET + 0.05, lambda: self._tell(_KEYS))

    def _tell(self, keys: str) -> None:
        self.query_one("#box", Vertical).border_subtitle = keys

    def on_key(self, event: Key) -> None:
        """Let no key answer that was on its way when the question came; by when it was pressed, not when it is read."""
        if self._armed:
            return
        self._armed = self._heard is not None and event.time - self._heard >= _QUIET
        if not self._armed:
            event.stop()
            if self._heard is not None:
                self._wait(max(self._heard, event.time))

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        chosen: Option | None = self.query_one("#options", RowList).current
        if chosen is not None:
            self.dismiss(chosen.id)

    def action_take(self, *kinds: str) -> None:
        """Take the first answer of these kinds, where the agent offers one."""
        chosen = self._question.option(*kinds)
        if chosen is not None:
            self.dismiss(chosen)

    def action_leave(self) -> None:
        """Answer nothing: the call is cancelled."""
        self.dismiss(None)


def _option_row(option: Option) -> tuple[Line]:
    role = "ok" if option.kind.startswith("allow") else "bad" if option.kind.startswith("reject") else "text"
    return (Line((piece(option.name or option.id, role, 80),), (piece(option.kind.replace("_", " "), "dim", 20),)),)


def _call_lines(question: Permission, project: str) -> Iterator[Line]:
    call = question.call
    title = call.metadata.get("title")
    yield Line((piece(call.tool_name or "a call", "tool"), Piece("  "), piece(gist(call.arguments, project))))
    if isinstance(title, str) and title and title != call.tool_name:
        yield Line((piece(title),))
    if not question.diffs:
        for line in visible(json_text(call.arguments)).split("\n")[:_LINES_MAX]:
            yield Line((piece(line.replace(" ", "\u00a0"), "dim"),))
    for diff in question.diffs:
        yield Line((piece(diff.path, "accent"),), (Piece("", "dim") if diff.old is not None else Piece("made", "add"),))
        for kind, text in edit_diff(Edit(diff.old or "", diff.new)):
            for line in visible(text).removesuffix("\n").split("\n")[:_LINES_MAX]:
                yield Line((Piece(line.expandtabs(4), _ROLES.get(kind, "text")),))
