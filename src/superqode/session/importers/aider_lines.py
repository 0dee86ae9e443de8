"""The lines of aider's chat history, each given to who wrote it.

Nothing in the Markdown tells for sure. aider writes `# aider chat started at …` when it starts, `#### ` before each
line a person typed, `> ` before its own remarks, and two spaces behind the last line of both; all else is the model's.
A remark of several lines has `> ` before the first only, so it goes on to the line with the spaces. Headings and quotes
in an answer have none. Where an editor took such spaces off, only the beginnings of lines count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Final, Literal

from superqode.session.importers.base import Receipt
from superqode.session.importers.lines import MAX_LINE_BYTES

__all__ = ["SPACES", "START", "Block", "Run", "read_runs"]

START: Final = re.compile(r"# aider chat started at (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\s*\Z")
SPACES: Final = "  "
_USER: Final = "#### "
_OWN: Final = "> "
# The most one message may hold, in characters: an endless file without any sign must not fill the memory.
_MAX_BLOCK: Final = 64 * 1024 * 1024

Kind = Literal["user", "own", "answer"]

_FENCE: Final = re.compile(r"\s{0,8}(`{3,}|~{3,})(.*)\Z")
# Remarks that end an answer whatever it left open.
_SURE: Final = re.compile(
    r"> (?:Tokens: \d|\^C|Applied edit to |Commit [0-9a-f]{7} |litellm\.|Retrying in |Model \S+ has hit)"
)
# How remarks begin that run over several lines, behind an answer.
_LONG_REMARK: Final = re.compile(
    r"> (?:# \d+ \S+ blocks? failed|Running |The LLM did not|litellm\.|Error|\S*Error:|Traceback|Summar|Output:"
    r"|\S+/aider )"
)


@dataclass(slots=True)
class Block:
    """Lines of one speaker that belong together."""

    kind: Kind
    lines: list[str] = field(default_factory=list)
    size: int = 0
    # A remark whose last line has not come yet.
    open: bool = False


@dataclass(slots=True)
class Run:
    """One run of aider.

    Attributes:
        began: what its first line tells, as written.
        blocks: what was said.
        receipt: counts its lines.
    """

    began: str
    blocks: list[Block] = field(default_factory=list)
    receipt: Receipt = field(default_factory=Receipt)


def read_runs(stream: IO[bytes]) -> Iterator[Run]:
    """Take the lines apart, run by run."""
    reader: _Reader | None = None
    lost = Receipt()
    while raw := stream.readline(MAX_LINE_BYTES):
        line = raw.decode(errors="replace").removesuffix("\n").removesuffix("\r")
        if "# aider chat started at" in line and (start := START.match(line.lstrip("\ufeff"))):
            if reader is not None:
                yield reader.run
            reader = _Reader(Run(start[1]), stripped=reader.stripped if reader is not None else None)
            reader.run.receipt.lines, reader.run.receipt.dropped = lost.lines, dict(lost.dropped)
            lost = Receipt()
            reader.run.receipt.lines += 1
            reader.run.receipt.drop("starts of runs")
        elif reader is None:
            lost.lines += 1
            lost.drop("blank lines" if not line.strip() else "lines before the first run")
        else:
            reader.take(line)
    if reader is not None:
        yield reader.run


class _Reader:
    """Gives each line of a run to its speaker."""

    def __init__(self, run: Run, *, stripped: bool | None) -> None:
        self.run = run
        # Whether an editor took the spaces at the ends of lines off; None while that is not known.
        self.stripped = stripped
        self._fence = ""

    def take(self, line: str) -> None:
        self.run.receipt.lines += 1
        block = self.run.blocks[-1] if self.run.blocks else None
        ended = line.endswith(SPACES)
        if block is not None and block.open:
            # The rest of a remark looks like anything.
            self._append(block, line)
            block.open = not ended
            return
        if self.stripped is None and line.startswith((_OWN, _USER)):
            self.stripped = not ended and _looks_stripped(line)
        if self._in_code(line, block):
            self._append(self._block("answer"), line)
        elif line.startswith(_USER) and (ended or self.stripped):
            self._append(self._block("user"), line.removeprefix(_USER))
        elif line.startswith(_OWN) and (ended or self.stripped or self._begins_remark(line, block)):
            own = self._block("own")
            self._append(own, line.removeprefix(_OWN))
            own.open = not ended and not self.stripped
        elif block is None or block.kind != "answer":
            if line.strip():
                self._append(self._block("answer"), line)
            else:
                self._skip(block)
        else:
            self._append(block, line)

    def _begins_remark(self, line: str, block: Block | None) -> bool:
        """Whether a quoted line without its spaces begins a remark of several lines, and is no quote of the model's."""
        return block is None or block.kind != "answer" or bool(_LONG_REMARK.match(line))

    def _in_code(self, line: str, block: Block | None) -> bool:
        """Whether a line stands in a fenced block of an answer, where anything may look like aider's own."""
        if self._fence and (block is None or block.kind != "answer" or _SURE.match(line)):
            self._fence = ""
        found = _FENCE.match(line) if "```" in line or "~~~" in line else None
        if self._fence:
            if found and found[1].startswith(self._fence) and not found[2].strip():
                self._fence = ""
            return True
        if found:
            self._fence = found[1]
        return False

    def _block(self, kind: Kind) -> Block:
        blocks = self.run.blocks
        if not blocks or blocks[-1].kind != kind:
            blocks.append(Block(kind))
        return blocks[-1]

    def _skip(self, block: Block | None) -> None:
        """An empty line between speakers; behind a person's words it ends them."""
        self.run.receipt.drop("blank lines")
        if block is not None and block.kind == "user":
            self.run.blocks.append(Block("answer"))

    def _append(self, block: Block, line: str) -> None:
        if block.size > _MAX_BLOCK:
            self.run.receipt.problem(f"more than {_MAX_BLOCK // 2**20} MiB in one message: the rest was left out")
            return
        block.size += len(line) + 1
        block.lines.append(line)
        self.run.receipt.mapped += 1


def _looks_stripped(line: str) -> bool:
    """Whether one of aider's own first remarks stands here without its spaces."""
    return bool(
        re.match(r"> (?:Aider v|Model: |Main model: |Models: |Git repo: |Repo-map: |Added |Detected dumb)", line)
    )
