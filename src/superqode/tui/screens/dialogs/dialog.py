"""What dialogs share: a box in the middle with a title, what is asked, and two buttons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button, Input, Label

__all__ = ["Dialog"]

T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """A modal question.

    Args:
        title: what it is about.
        accept: the word on the button that says yes.
        danger: whether that button is one to think about.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("ctrl+s", "accept", "Accept", show=False),
    ]
    DEFAULT_CSS = """
    Dialog { align: center middle; background: $background 60%; }
    Dialog > #box {
        width: 72; max-width: 94%; height: auto; max-height: 94%; padding: 0 2 1 2; background: $surface;
        border: round $primary; border-title-color: $text-primary; border-title-style: bold;
        scrollbar-size-vertical: 1;
        & > #body { height: auto; scrollbar-size-vertical: 1; }
        & > #buttons { height: 1; margin-top: 1; align-horizontal: right; }
        & Button { margin-left: 2; min-width: 10; height: 1; border: none; }
        & Label { width: 1fr; }
        & .label { margin-top: 1; color: $foreground 60%; }
        & Input, & Select { background: $background; }
    }
    """

    def __init__(self, title: str, *, accept: str = "OK", danger: bool = False) -> None:
        super().__init__()
        self._title = title
        self._accept = accept
        self._danger = danger

    def compose(self) -> ComposeResult:
        """Draw the box round what the dialog asks."""
        box = VerticalScroll(id="box", can_focus=False)
        box.border_title = self._title
        with box:
            with VerticalScroll(id="body", can_focus=False):
                yield from self.fields()
            with Horizontal(id="buttons"):
                yield Button(self._accept, variant="error" if self._danger else "primary", id="accept", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    def fields(self) -> Iterator[Widget]:
        """Give what is asked."""
        yield from ()

    def answer(self) -> T | None:
        """Give the answer; `None` where it is not complete yet, which has been said then."""
        return None

    def label(self, text: str) -> Label:
        """A field's name."""
        return Label(text, markup=False, classes="label")

    def action_leave(self) -> None:
        """Leave without an answer."""
        self.dismiss(None)

    def action_accept(self) -> None:
        """Answer."""
        answer = self.answer()
        if answer is not None:
            self.dismiss(answer)

    @on(Button.Pressed, "#accept")
    @on(Input.Submitted)
    def _accepted(self) -> None:
        self.action_accept()

    @on(Button.Pressed, "#cancel")
    def _cancelled(self) -> None:
        self.action_leave()
