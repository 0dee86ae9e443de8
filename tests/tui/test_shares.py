"""Sharing from the screen, to a real repository: what is masked is said, the link is copied, opened, forked, revoked."""

from __future__ import annotations

import subprocess

import pytest

from superqode.session import SessionSharingManager
from superqode.session.git.remotes import add_remote
from superqode.tui.screens.dialogs.sharing import SharedDialog, ShareDialog
from superqode.tui.screens.session.screen import SessionScreen
from superqode.tui.screens.shared import SharedScreen

SECRET = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"[:36]


@pytest.fixture
def shared(library_of_sessions, tmp_path):
    """The store with a remote, and a token in the session that is going to be shared."""
    remote = tmp_path / "team.git"
    subprocess.run(["git", "init", "-q", "--bare", str(remote)], check=True)
    with library_of_sessions.open_store() as store:
        add_remote(store._made(), "team", str(remote))
        session = store.load("fix-sql")
        session.add_message("user", f"my token is {SECRET}")
        store.save(session)
    return library_of_sessions


def _shares(tui):
    with tui.open_store() as store:
        return SessionSharingManager(store).list_shares()


def _reads(ada):
    return isinstance(ada.app.screen, SharedScreen)


async def _answer(ada, title, text):
    """Answer a dialog that asks for one text."""
    await ada.until(lambda: getattr(ada.app.screen, "_title", "") == title and ada.app.screen.focused, title)
    ada.app.screen.query_one("#field-0").value = text
    await ada.press("enter")


async def _share(ada):
    await ada.press("escape", "S")
    await ada.until(lambda: isinstance(ada.app.screen, ShareDialog))


def test_a_session_is_shared_opened_and_forked(shared):
    """The dialog says what is masked; the link is copied, opens on another screen, and forks into a session."""

    async def story(ada):
        await _share(ada)
        await ada.sees("to team", "masked: ")
        await ada.pilot.click("#accept")
        await ada.until(lambda: isinstance(ada.app.screen, SharedDialog))
        link = _shares(shared)[0].share_url
        await ada.until(lambda: ada.app.clipboard == link)
        assert not _shares(shared)[0].pending
        await ada.press("escape", "o")
        await _answer(ada, "Open a shared session", link)
        await ada.until(lambda: isinstance(ada.app.screen, SharedScreen))
        await ada.press("end")
        await ada.sees("my token is", "[REDACTED:")
        assert SECRET not in ada.shown
        await ada.press("f")
        await ada.until(lambda: isinstance(ada.app.screen, SessionScreen) and ada.app.screen.opened.id != "fix-sql")
        assert ada.app.screen.opened.session.parent_session_id == "fix-sql"

    shared.run(story, session="fix-sql")


def test_a_private_share_needs_its_password(shared):
    """Private without a password is told; Ctrl+G makes one; the link asks for it, and a wrong one is a notice."""

    async def story(ada):
        await _share(ada)
        ada.app.screen.query_one("#readers").value = "private"
        ada.app.screen.query_one("#lives").value = "86400"
        await ada.pilot.click("#accept")
        await ada.until(lambda: any("password" in told for told in ada.told))
        await ada.press("ctrl+g")
        password = ada.app.screen.query_one("#password").value
        assert len(password) > 20
        await ada.pilot.click("#accept")
        await ada.until(lambda: isinstance(ada.app.screen, SharedDialog))
        share = _shares(shared)[0]
        assert (share.visibility, share.has_password) == ("private", True)
        assert share.expires_at is not None
        link = share.share_url
        await ada.press("escape")
        ada.app.clear_notifications()
        for given in ("wrong", password):
            await ada.until(lambda: isinstance(ada.app.screen, SessionScreen))
            await ada.press("o")
            await _answer(ada, "Open a shared session", link)
            await _answer(ada, "It needs a password", given)
            await ada.until(lambda: (ada.told[-1:] and "Fetching" not in ada.told[-1]) or _reads(ada))
        assert any("password" in told.lower() for told in ada.told)
        await ada.until(lambda: _reads(ada))

    shared.run(story, session="fix-sql")


def test_a_share_is_updated_and_revoked(shared):
    """The list of shares copies a link, brings a share up to date, and takes it back after asking."""
    with shared.open_store() as store:
        made = SessionSharingManager(store).create_share("fix-sql")
        session = store.load("fix-sql")
        session.add_message("user", "more")
        store.save(session)

    async def story(ada):
        await ada.press("escape", "h")
        await ada.sees("live", "team", "1 share")
        await ada.press("c")
        assert ada.app.clipboard == made.share_url
        assert made.share_url.partition("#")[2] not in ada.shown
        await ada.press("u")
        await ada.until(lambda: _shares(shared)[0].generation == 2)
        await ada.press("r", "enter")
        await ada.rests()
        assert _shares(shared)[0].revoked_at is None
        await ada.press("r", "shift+tab", "enter")
        await ada.sees("revoked")
        assert _shares(shared)[0].revoked_at is not None

    shared.run(story, session="fix-sql")


def test_a_remote_that_fails_keeps_the_share(shared, tmp_path):
    """Where the remote cannot be reached the share waits; Shares sends it when it is back."""
    (tmp_path / "team.git").rename(tmp_path / "away.git")

    async def story(ada):
        await _share(ada)
        await ada.sees("masked")
        await ada.pilot.click("#accept")
        await ada.until(lambda: any("kept here" in told for told in ada.told))
        (tmp_path / "away.git").rename(tmp_path / "team.git")
        await ada.press("h")
        await ada.sees("waits")
        await ada.press("p")
        await ada.until(lambda: not _shares(shared)[0].pending)

    shared.run(story, session="fix-sql")


def test_a_link_that_is_none_is_told(shared):
    """What is no link, and what nobody shared, is a notice that does not repeat a secret."""

    async def story(ada):
        await ada.press("escape")
        for link in ("nonsense", f"{'0' * 26}.{'s' * 43}"):
            ada.app.clear_notifications()
            await ada.press("o")
            await _answer(ada, "Open a shared session", link)
            await ada.until(lambda: any(notice.severity == "error" for notice in ada.app._notifications))
            assert "sssss" not in " ".join(ada.told)

    shared.run(story, session="fix-sql")
