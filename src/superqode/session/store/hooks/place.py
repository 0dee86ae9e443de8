"""One hook at the place where it is run: what stands there, put in place, taken away."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from superqode.session import entropy
from superqode.session.errors import StoreError, StoreUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HookPlace", "HookState", "HookStatus", "hook_file", "is_bare_repository", "shadow"]

# The hooks themselves look for their predecessor under this name.
_KEPT: Final = ".before-superqode"
_MODE: Final = 0o755
# Ours are some ten KiB; of another program put there as a hook, no more than this is read.
_READ_MAX: Final = 256 * 1024
_OURS: Final = r"#![^\n]*\n# superqode-hook %s version ([0-9]{1,6})\n"


class HookState(StrEnum):
    """What stands where the hook is looked for."""

    MISSING = "not installed"
    INSTALLED = "installed"
    OUTDATED = "outdated"
    """Ours, but older, changed, or not executable (Git then ignores it)."""
    FOREIGN = "foreign"
    """Another hook, which installing would keep and run after ours."""


@dataclass(frozen=True, slots=True)
class HookStatus:
    """What stands where Git, or the server's software, looks for a hook.

    Attributes:
        path: where the hook stands, or would.
        state: what stands there.
        version: the version of our hook that stands there, from 1; 0 where it is not ours.
        available: the version that installing puts there.
        kept: the hook that was there before ours and runs after it; empty where there was none.
        shadowed_by: the `core.hooksPath` that makes Git look elsewhere; empty where Git looks here.
    """

    path: str
    state: HookState
    version: int
    available: int
    kept: str = ""
    shadowed_by: str = ""

    @property
    def guarding(self) -> bool:
        """Whether our hook, of this version or a newer one, is what is run."""
        return self.state is HookState.INSTALLED and not self.shadowed_by


def hook_file(name: str) -> bytes:
    """The text of a hook of this project.

    Args:
        name: its path in the project's `hooks` folder, such as `store/pre-push`.

    Raises:
        StoreError: this installation does not have it.
    """
    packaged = resources.files("superqode").joinpath("_hooks", name)
    if packaged.is_file():
        return packaged.read_bytes()
    # An editable install has no `_hooks`: the checkout's folder stands five levels up.
    in_checkout = Path(__file__).parents[5] / "hooks" / name
    if in_checkout.is_file():
        return in_checkout.read_bytes()
    raise StoreError(f"The Git hook {name} is not part of this installation. Install superqode-sessions again")


@dataclass(frozen=True, slots=True)
class HookPlace:
    """Where one hook of ours stands, or would.

    Attributes:
        path: the file.
        source: the hook's path in the project's `hooks` folder.
        shadowed_by: the `core.hooksPath` that makes Git look elsewhere; empty where Git looks here.
        alone: whether the file is ours by its name: the server's software runs all hooks of the folder, so another
            one is neither kept there nor run by ours.
    """

    path: Path
    source: str
    shadowed_by: str = ""
    alone: bool = False

    def status(self) -> HookStatus:
        """Say what stands here; changes nothing.

        Raises:
            StoreUnwritable: the hook cannot be read.
        """
        text = hook_file(self.source)
        kept = self._kept
        with self._told_as_ours():
            state, version = self._look(text)
            return HookStatus(
                path=str(self.path),
                state=state,
                version=version,
                available=self._version(text),
                kept=str(kept) if not self.alone and os.path.lexists(kept) else "",
                shadowed_by=self.shadowed_by,
            )

    def install(self) -> HookStatus:
        """Put the hook in place, keeping one that is there; where it stands already, nothing changes.

        Raises:
            StoreUnwritable: the hook cannot be written.
            StoreError: another hook is there, and one from before is kept already, or none can be kept.
        """
        before = self.status()
        if before.state is HookState.INSTALLED:
            return before
        with self._told_as_ours():
            self.path.parent.mkdir(exist_ok=True)
            if before.state is HookState.FOREIGN:
                self._keep()
            self._write(hook_file(self.source))
        return self.status()

    def remove(self) -> HookStatus:
        """Take the hook away and put the one from before back, as it was; another hook is left alone.

        Raises:
            StoreUnwritable: the hook cannot be removed.
        """
        before = self.status()
        if before.state is not HookState.FOREIGN:
            with self._told_as_ours():
                if before.kept:
                    Path(before.kept).replace(self.path)
                else:
                    self.path.unlink(missing_ok=True)
        return self.status()

    @property
    def _kept(self) -> Path:
        return self.path.with_name(self.path.name + _KEPT)

    @contextmanager
    def _told_as_ours(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreUnwritable(self.path, error.strerror or str(error)) from error

    def _version(self, text: bytes) -> int:
        """The version our hook's second line tells; 0 for the text of another hook."""
        name = self.source.rpartition("/")[2]
        found = re.match((_OURS % re.escape(name)).encode(), text)
        return int(found[1]) if found else 0

    def _look(self, text: bytes) -> tuple[HookState, int]:
        """What stands here, compared with our `text`, and its version."""
        if not os.path.lexists(self.path):
            return HookState.MISSING, 0
        found = self._read()
        version = self._version(found)
        if version == 0:
            return HookState.FOREIGN, 0
        # A newer superqode put it there: its hook knows more than ours.
        current = version > self._version(text) or found == text
        runs = os.access(self.path, os.X_OK)
        return (HookState.INSTALLED if current and runs else HookState.OUTDATED), version

    def _read(self) -> bytes:
        """The hook's first bytes; none where it is no file (a pipe would make us wait)."""
        if not self.path.is_file():
            return b""
        with self.path.open("rb") as file:
            return file.read(_READ_MAX)

    def _keep(self) -> None:
        """Give the hook a second name; `_write` then takes its first, so that there is a hook at all times."""
        if self.alone:
            raise StoreError(f"{self.path} is not superqode's. Give it another name, and install again")
        try:
            os.link(self.path, self._kept, follow_symlinks=False)
        except FileExistsError:
            if not os.path.samestat(self.path.lstat(), self._kept.lstat()):
                raise StoreError(
                    f"{self.path} is not superqode's, and {self._kept.name} beside it keeps another hook from before."
                    " Join them in one of the two files, delete the other, and install again"
                ) from None

    def _write(self, text: bytes) -> None:
        """Replace the hook in one step."""
        new = self.path.with_name(f"{self.path.name}.{entropy.random_text(8)}.tmp")
        try:
            with new.open("xb") as file:
                file.write(text)
                file.flush()
                os.fchmod(file.fileno(), _MODE)
                # A power cut could leave it empty, and Git takes an empty hook for one that agrees.
                os.fsync(file.fileno())
            new.replace(self.path)
        finally:
            new.unlink(missing_ok=True)


def shadow(repository: Path, folder: Path, configured: str | None) -> str:
    """The configured hooks path if it leads elsewhere, else nothing; a relative one starts at the repository."""
    if configured is None or os.path.realpath(repository / configured) == os.path.realpath(folder):
        return ""
    return configured or "(empty)"


def is_bare_repository(path: Path) -> bool:
    """Whether a folder looks like a bare Git repository."""
    return (path / "HEAD").is_file() and (path / "objects").is_dir()
