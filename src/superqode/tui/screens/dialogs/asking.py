"""Short questions: yes or no, a few texts, one of a list."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from textual import on
from textual.widget import Widget
from textual.widgets import Input, Label

from superqode.session.exporters.visible import visible
from superqode.tui.fields import field_text
from superqode.tui.lines import Line, plain
from superqode.tui.screens.dialogs.dialog import Dialog
from superqode.tui.widgets.row_list import RowList

__all__ = ["Ask", "Confirm", "Field", "Pick"]

T = TypeVar("T")


class Confirm(Dialog[bool]):
    """A question to be answered with yes, or left.

    Args:
        title: what it is about.
        question: the question, and what yes means.
        accept: the word for yes.
        danger: whether it is one to think about.
    """

    def __init__(self, title: str, question: str, *, accept: str = "Yes", danger: bool = False) -> None:
        super().__init__(title, accept=accept, danger=danger)
        self._question = question

    def fields(self) -> Iterator[Widget]:
        """Give the question."""
        yield Label(visible(self._question), markup=False)

    def on_mount(self) -> None:
        """Where yes is dangerous, Enter means no."""
        self.query_one("#cancel" if self._danger else "#accept").focus()

    def answer(self) -> bool:
        """Yes."""
        return True


@dataclass(frozen=True, slots=True)
class Field:
    """A text that is asked for: its name, what stands there first, an example, whether it is kept from view."""

    name: str
    value: str = ""
    example: str = ""
    secret: bool = False


class Ask(Dialog[tuple[str, ...]]):
    """Asks for a few texts; gives them in order.

    Args:
        title: what it is about.
        fields: what is asked for.
        accept: the word on the button.
        required: whether the first one must not be blank.
    """

    def __init__(self, title: str, fields: Sequence[Field], *, accept: str = "OK", required: bool = False) -> None:
        super().__init__(title, accept=accept)
        self._fields = fields
        self._required = required

    def fields(self) -> Iterator[Widget]:
        """Give an input for each text."""
        for number, field in enumerate(self._fields):
            yield self.label(field.name)
            shown = field_text(field.value)
            yield Input(shown, placeholder=field.example, password=field.secret, id=f"field-{number}", compact=True)

    def answer(self) -> tuple[str, ...] | None:
        """The texts, without blanks around them; one that was not edited as it was given."""
        given = tuple(_given(field, one.value) for field, one in zip(self._fields, self.query(Input), strict=True))
        if self._required and not given[0]:
            self.query(Input).first().focus()
            return None
        return given


def _given(field: Field, typed: str) -> str:
    if typed == field_text(field.value):
        return field.value
    return typed if field.secret else typed.strip()


class Pick(Dialog[T], Generic[T]):
    """One item of a list, narrowed by typing.

    Args:
        title: what it is about.
        items: what there is to choose from.
        draw: gives an item as a line.
        key: what an item is known by.
        accept: the word on the button.
    """

    DEFAULT_CSS = """
    Pick > #box > #body { height: 16; }
    Pick RowList { height: 1fr; background: $surface; & > .line--cursor { background: $panel; } }
    """

    def __init__(
        self,
        title: str,
        items: Sequence[T],
        draw: Callable[[T], Sequence[Line]],
        key: Callable[[T], Hashable],
        *,
        accept: str = "Choose",
    ) -> None:
        super().__init__(title, accept=accept)
        self._items = items
        self._draw = draw
        self._key = key

    def fields(self) -> Iterator[Widget]:
        """Give what narrows the list, and the list."""
        yield Input(placeholder="type to narrow", compact=True)
        yield RowList[Any](self._draw, key=self._key, empty="nothing fits", id="picked")

    def on_mount(self) -> None:
        """Fill the list."""
        self._rows.show(self._items)

    @property
    def _rows(self) -> RowList[T]:
        return self.query_one("#picked", RowList)

    @on(Input.Changed)
    def _narrow(self, event: Input.Changed) -> None:
        words = event.value.casefold().split()
        told = (("\n".join(plain(line) for line in self._draw(item)).casefold(), item) for item in self._items)
        self._rows.show([item for text, item in told if all(word in text for word in words)])

    @on(RowList.Chosen)
    def _chosen(self) -> None:
        self.action_accept()

    def key_down(self) -> None:
        """Go down the list while typing."""
        self._rows.action_move(1)

    def key_up(self) -> None:
        """Go up the list while typing."""
        self._rows.action_move(-1)

    def answer(self) -> T | None:
        """The highlighted item."""
        return self._rows.current
