"""Where people write: Enter sends, Shift+Enter (or Ctrl+J) begins another line."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message
from textual.widgets import TextArea

__all__ = ["Prompt"]


class Prompt(TextArea):
    """A text that grows with what is written, up to a few lines.

    Args:
        options: as `TextArea` takes them.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "send", "Send", priority=False),
        Binding("shift+enter,ctrl+j", "feed", "New line", show=False),
    ]
    DEFAULT_CSS = """
    Prompt { height: auto; max-height: 8; min-height: 3; border: round $border-blurred; padding: 0 1;
        background: $background;
        &:focus { border: round $primary; }
    }
    """

    class Sent(Message):
        """Something was written and sent."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

        @property
        def control(self) -> Prompt:
            """The prompt."""
            return self.prompt

    def __init__(self, **options: Any) -> None:
        super().__init__(soft_wrap=True, show_line_numbers=False, tab_behavior="focus", **options)

    async def _on_key(self, event: Key) -> None:
        # The text would take these for a line break before any binding is asked.
        if event.key == "enter":
            event.prevent_default().stop()
            self.action_send()
        elif event.key in ("shift+enter", "ctrl+j"):
            event.prevent_default().stop()
            self.action_feed()
        else:
            await super()._on_key(event)

    def action_send(self) -> None:
        """Send what is written; blank text is nothing."""
        if self.text.strip():
            self.post_message(self.Sent(self, self.text))

    def action_feed(self) -> None:
        """Begin another line."""
        self.insert("\n")

    def give_back(self, text: str) -> None:
        """Put what was sent back, before what was written since."""
        self.text = f"{text}\n{self.text}" if self.text.strip() else text
        self.move_cursor(self.document.end)
