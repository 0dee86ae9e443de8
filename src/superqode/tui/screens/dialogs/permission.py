"""What an agent wants to do, and whether it may."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key, Resize
from textual.message import Message
from textual.screen import ModalScreen
from textual.timer import Timer

from superqode.cli.text import count
from superqode.session.exporters.html.diffs import Edit, edit_diff
from superqode.session.exporters.reading import gist, json_text
from superqode.session.exporters.visible import visible
from superqode.tui.lines import Line, Piece, piece
from superqode.tui.screens.base import Leaving
from superqode.tui.widgets.folded_view import FoldedView
from superqode.tui.widgets.row_list import RowList

if TYPE_CHECKING:
    from superqode.acp import Option, Permission

__all__ = ["PermissionDialog", "ask_permission"]

# How much of a call is shown, in characters: more than anybody reads before an answer; what is beyond it is counted.
_SHOWN_MAX: Final = 1_000_000
# How much of the screen the box may take, in per cent, and how many of its lines are frame and blanks.
_BOX: Final = 90
_FRAME: Final = 4
_OPTIONS_MAX: Final = 8
# How long the keys must have been quiet before one is an answer, in seconds: people write the next prompt meanwhile.
_QUIET: Final = 0.7
_WAITING: Final = "keys answer in a moment"
_KEYS: Final = "a approve · r refuse · escape cancel"
_MORE: Final = "more below: pgdn, end · r refuse · escape cancel"
_UNREAD: Final = "first read it to its end: pgdn, end"
_ROLES: Final = {"add": "add", "del": "del", "hunk": "hunk"}


class PermissionDialog(Leaving["str | None"], ModalScreen["str | None"]):
    """Shows a tool call and the changes it would make; gives the chosen answer's id, or `None` for a cancelled one.

    Keys that come as it opens were meant for the prompt: they answer nothing until they have paused. Nothing of the
    call is cut, and it is approved only once its last line was in view.

    Args:
        question: what the agent asks.
        project: the session's project; paths inside it are told from there.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("a", "take('allow_once', 'allow_always')", "Approve"),
        Binding("r", "take('reject_once', 'reject_always')", "Refuse"),
        *(
            Binding(key, f"scroll('{where}')", told, show=False, priority=True)
            for key, where, told in (
                ("pageup", "page_up", "Page up"),
                ("pagedown", "page_down", "Page down"),
                ("home", "scroll_home", "Begin"),
                ("end", "scroll_end", "End"),
            )
        ),
    ]
    DEFAULT_CSS = """
    PermissionDialog { align: center middle; background: $background 60%; }
    PermissionDialog > #box {
        width: 90%; max-width: 110; height: auto; background: $surface; padding: 0 1;
        border: round $warning; border-title-color: $text-warning; border-title-style: bold;
        border-subtitle-color: $foreground 60%;
        & > #call { height: auto; background: $background; margin: 1 0; }
        & > #options { background: $surface; }
    }
    """

    def __init__(self, question: Permission, project: str) -> None:
        super().__init__()
        self._question = question
        self._lines = list(_bounded(_call_lines(question, project)))
        self._armed = False
        self._heard: float | None = None
        self._telling: Timer | None = None

    def compose(self) -> ComposeResult:
        """Draw the call, and the answers the agent offers."""
        box = Vertical(id="box")
        box.border_title = "May the agent do this?"
        box.border_subtitle = _WAITING
        with box:
            yield FoldedView(self._lines, id="call")
            yield RowList(_option_row, key=lambda option: option.id, empty="It offers no answer: escape", id="options")

    def on_mount(self) -> None:
        """List the answers."""
        self._share_out(self.app.size.height)
        rows = self.query_one("#options", RowList)
        rows.show(self._question.options)
        rows.focus()
        self.call_after_refresh(self._seen)

    def on_resize(self, event: Resize) -> None:
        """Leave the answers their lines, and the call the others."""
        self._share_out(event.size.height)

    def _share_out(self, height: int) -> None:
        room = max(2, height * _BOX // 100 - _FRAME)
        answers = max(1, min(len(self._question.options), _OPTIONS_MAX, room // 3))
        self.query_one("#options").styles.height = answers
        self._call.styles.max_height = room - answers

    @property
    def _call(self) -> FoldedView:
        return self.query_one("#call", FoldedView)

    def action_scroll(self, where: str) -> None:
        """Scroll the call, wherever the keys go."""
        getattr(self._call, f"action_{where}")()

    def _seen(self) -> None:
        self._wait(Message().time)  # on the clock that stamps keys

    def _wait(self, heard: float) -> None:
        self._heard = heard
        self._tell(_WAITING)
        if self._telling is not None:
            self._telling.stop()
        self._telling = self.set_timer(_QUIET + 0.05, self._rested)

    def _rested(self) -> None:
        self._telling = None
        self._tell(_KEYS if self._call.is_read else _MORE)

    @on(FoldedView.Read)
    def _read(self) -> None:
        if self._heard is not None and self._telling is None:
            self._tell(_KEYS)

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
        self._answer(self.query_one("#options", RowList).current)

    def action_take(self, *kinds: str) -> None:
        """Take the first answer of these kinds, where the agent offers one."""
        wanted = self._question.option(*kinds)
        self._answer(next((option for option in self._question.options if option.id == wanted), None))

    def _answer(self, chosen: Option | None) -> None:
        if chosen is not None and not (self._call.is_read or chosen.kind.startswith("reject")):
            self._tell(_UNREAD)
        elif chosen is not None:
            self.dismiss(chosen.id)

    def action_leave(self) -> None:
        """Answer nothing: the call is cancelled."""
        self.dismiss(None)


async def ask_permission(app: App[Any], question: Permission, project: str) -> str | None:
    """Ask, and give the answer's id, or `None`; where nobody waits for it any more, the question goes."""
    answered: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()

    def take(answer: str | None) -> None:
        if not answered.done():
            answered.set_result(answer)

    dialog = PermissionDialog(question, project)
    app.push_screen(dialog, take)
    try:
        return await answered
    except asyncio.CancelledError:  # the turn was stopped meanwhile
        dialog.leave()
        raise


def _option_row(option: Option) -> tuple[Line]:
    role = "ok" if option.kind.startswith("allow") else "bad" if option.kind.startswith("reject") else "text"
    return (Line((piece(option.name or option.id, role, 80),), (piece(option.kind.replace("_", " "), "dim", 20),)),)


def _call_lines(question: Permission, project: str) -> Iterator[Line]:
    call = question.call
    title = call.metadata.get("title")
    yield Line((piece(call.tool_name or "a call", "tool"), Piece("  "), piece(gist(call.arguments, project))))
    if isinstance(title, str) and title and title != call.tool_name:
        yield Line((piece(title),))
    for diff in question.diffs:
        made = (Piece("  made", "add"),) if diff.old is None else ()
        yield Line((piece(diff.path, "accent"), *made))
        for kind, text in edit_diff(Edit(diff.old or "", diff.new)):
            for line in visible(text).removesuffix("\n").split("\n"):
                yield Line((Piece(line.expandtabs(4), _ROLES.get(kind, "text")),))
    seen = {text for diff in question.diffs for text in (diff.path, diff.old, diff.new)}
    rest = {name: value for name, value in call.arguments.items() if not (isinstance(value, str) and value in seen)}
    if rest or not question.diffs:
        for line in json_text(rest).split("\n"):
            yield Line((Piece(visible(line), "dim"),))


def _bounded(lines: Iterable[Line]) -> Iterator[Line]:
    """Give the lines as far as somebody could read them, and in the end how much is not shown."""
    room, more = _SHOWN_MAX, 0
    for line in lines:
        pieces = []
        for one in line.left:
            shown = one.text[:room]
            room -= len(shown)
            more += len(one.text) - len(shown)
            pieces.append(one._replace(text=shown))
        if any(one.text for one in pieces) or not more:
            yield Line(tuple(pieces))
    if more:
        yield Line((Piece(f"… {count(more, 'character')} more, which nobody sees here", "bad"),))
