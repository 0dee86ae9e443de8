"""The Git hooks of a store: put in place, looked at, taken away.

The store's only hook is `pre-push`, which keeps sessions in clear from leaving by `git push`; its text is
`hooks/store/pre-push` of this project. A hook that was there before is kept beside it, and runs after it.
"""

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
from superqode.session.errors import NotAStore, StoreError, StoreNotFound, StoreUnwritable

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HookState", "HookStatus", "hook_file", "hook_status", "install_hooks", "remove_hooks"]

_NAME: Final = "pre-push"
# The hook itself looks for its predecessor under this name.
_KEPT_NAME: Final = "pre-push.before-superqode"
_MODE: Final = 0o755
# Ours is a few KiB; of another program put there as a hook, no more than this is read.
_READ_MAX: Final = 64 * 1024
_OURS: Final = re.compile(rb"#![^\n]*\n# superqode-hook pre-push version ([0-9]{1,6})\n")


class HookState(StrEnum):
    """What stands where Git looks for the hook."""

    MISSING = "not installed"
    INSTALLED = "installed"
    OUTDATED = "outdated"
    """Ours, but older, changed, or not executable (Git then ignores it)."""
    FOREIGN = "foreign"
    """Another hook, which `install_hooks` would keep and run after ours."""


@dataclass(frozen=True, slots=True)
class HookStatus:
    """What guards a store's pushes.

    Attributes:
        path: where the hook stands, or would.
        state: what stands there.
        version: the version of our hook that stands there, from 1; 0 where it is not ours.
        available: the version that `install_hooks` puts there.
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
        """Whether our hook, of this version or a newer one, is what Git runs before a push."""
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
    # An editable install has no `_hooks`: the checkout's folder stands four levels up.
    in_checkout = Path(__file__).parents[4] / "hooks" / name
    if in_checkout.is_file():
        return in_checkout.read_bytes()
    raise StoreError(f"The Git hook {name} is not part of this installation. Install superqode-sessions again")


def hook_status(store_path: Path, *, configured_hooks_path: str | None = None) -> HookStatus:
    """Say what guards a store's pushes; changes nothing.

    Args:
        store_path: the bare repository.
        configured_hooks_path: `core.hooksPath` as Git sees it for this store; `None` where it is not set.

    Raises:
        StoreNotFound: there is nothing at the path.
        NotAStore: it is no bare Git repository.
        StoreUnwritable: the hook cannot be read.
    """
    folder = _hooks_folder(store_path)
    hook, kept = folder / _NAME, folder / _KEPT_NAME
    text = hook_file(f"store/{_NAME}")
    with _told_as_ours(hook):
        state, version = _look(hook, text)
        return HookStatus(
            path=str(hook),
            state=state,
            version=version,
            available=_version(text),
            kept=str(kept) if os.path.lexists(kept) else "",
            shadowed_by=_shadow(store_path, folder, configured_hooks_path),
        )


def install_hooks(store_path: Path, *, configured_hooks_path: str | None = None) -> HookStatus:
    """Put the hook in place, keeping one that is there; where it stands already, nothing changes.

    Args:
        store_path: the bare repository.
        configured_hooks_path: as for `hook_status`; the hook is put into the store's own folder in any case.

    Raises:
        StoreNotFound: there is nothing at the path.
        NotAStore: it is no bare Git repository.
        StoreUnwritable: the hook cannot be written.
        StoreError: another hook is there, and one from before is kept already.
    """
    before = hook_status(store_path, configured_hooks_path=configured_hooks_path)
    if before.state is HookState.INSTALLED:
        return before
    hook = Path(before.path)
    with _told_as_ours(hook):
        hook.parent.mkdir(exist_ok=True)
        if before.state is HookState.FOREIGN:
            _keep(hook, hook.with_name(_KEPT_NAME))
        _write(hook, hook_file(f"store/{_NAME}"))
    return hook_status(store_path, configured_hooks_path=configured_hooks_path)


def remove_hooks(store_path: Path, *, configured_hooks_path: str | None = None) -> HookStatus:
    """Take the hook away and put the one from before back, as it was; another hook is left alone.

    Args:
        store_path: the bare repository.
        configured_hooks_path: as for `hook_status`.

    Raises:
        StoreNotFound: there is nothing at the path.
        NotAStore: it is no bare Git repository.
        StoreUnwritable: the hook cannot be removed.
    """
    before = hook_status(store_path, configured_hooks_path=configured_hooks_path)
    hook = Path(before.path)
    if before.state is not HookState.FOREIGN:
        with _told_as_ours(hook):
            if before.kept:
                Path(before.kept).replace(hook)
            else:
                hook.unlink(missing_ok=True)
    return hook_status(store_path, configured_hooks_path=configured_hooks_path)


@contextmanager
def _told_as_ours(hook: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnwritable(hook, error.strerror or str(error)) from error


def _hooks_folder(store_path: Path) -> Path:
    if not os.path.lexists(store_path):
        raise StoreNotFound(store_path)
    if not ((store_path / "HEAD").is_file() and (store_path / "objects").is_dir()):
        raise NotAStore(store_path, "it is no bare Git repository")
    return store_path / "hooks"


def _version(text: bytes) -> int:
    """The version our hook's second line tells; 0 for the text of another hook."""
    found = _OURS.match(text)
    return int(found[1]) if found else 0


def _look(hook: Path, text: bytes) -> tuple[HookState, int]:
    """What stands at `hook`, compared with our `text`, and its version."""
    if not os.path.lexists(hook):
        return HookState.MISSING, 0
    found = _read(hook)
    version = _version(found)
    if version == 0:
        return HookState.FOREIGN, 0
    # A newer superqode put it there: its hook knows more than ours.
    current = version > _version(text) or found == text
    runs = os.access(hook, os.X_OK)
    return (HookState.INSTALLED if current and runs else HookState.OUTDATED), version


def _read(hook: Path) -> bytes:
    """A hook's first bytes; none where it is no file (a pipe would make us wait)."""
    if not hook.is_file():
        return b""
    with hook.open("rb") as file:
        return file.read(_READ_MAX)


def _shadow(store_path: Path, folder: Path, configured: str | None) -> str:
    """The configured hooks path if it leads elsewhere, else nothing; a relative one starts at the store."""
    if configured is None or os.path.realpath(store_path / configured) == os.path.realpath(folder):
        return ""
    return configured or "(empty)"


def _keep(hook: Path, kept: Path) -> None:
    """Give `hook` a second name; `_write` then takes its first, so that there is a hook at all times."""
    try:
        os.link(hook, kept, follow_symlinks=False)
    except FileExistsError:
        if not os.path.samestat(hook.lstat(), kept.lstat()):
            raise StoreError(
                f"{hook} is not superqode's, and {kept.name} beside it keeps another hook from before."
                " Join them in one of the two files, delete the other, and install again"
            ) from None


def _write(hook: Path, text: bytes) -> None:
    """Replace `hook` in one step."""
    new = hook.with_name(f"{_NAME}.{entropy.random_text(8)}.tmp")
    try:
        with new.open("xb") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), _MODE)
            # A power cut could leave it empty, and Git takes an empty hook for one that agrees.
            os.fsync(file.fileno())
        new.replace(hook)
    finally:
        new.unlink(missing_ok=True)
