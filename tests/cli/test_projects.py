"""Projects on the command line: found wherever their folder was, and told of."""

from __future__ import annotations

import subprocess

import pytest

from session.store.homes import make_home


def test_a_renamed_projects_sessions_are_listed_and_tell_of_it(cli, save, tmp_path):
    """By the new path and the old one; `show` names origin and first commit, without a credential."""
    folder = tmp_path / "app"
    folder.mkdir()
    ident = ["-c", "user.name=A", "-c", "user.email=a@example.invalid"]
    for words in (
        ["init", "-q"],
        ["commit", "-q", "--allow-empty", "-m", "first"],
        ["remote", "add", "origin", "https://me:s3cret-word@Example.org/team/app.git"],
    ):
        subprocess.run(["git", *ident, "-C", str(folder), *words], check=True)
    session = save("hello", project_path=str(folder))
    moved = folder.rename(tmp_path / "renamed")
    for path in (moved, folder):
        assert [item["id"] for item in cli.json("sessions", "list", "--project", path)] == [session.id]
        assert [hit["session_id"] for hit in cli.json("sessions", "search", "hello", "--project", path)] == [session.id]
    told = cli.run("sessions", "show", session.id).stdout
    [line] = [row for row in told.splitlines() if row.startswith("project: ")]
    assert line.startswith(f"project: {folder}, example.org/team/app, begun with commit ")
    assert "s3cret" not in told + str(cli.json("sessions", "show", session.id))


@pytest.mark.parametrize(
    "path", ["/" + "long" * 75, "/" + "deep/" * 1000, "relative/x"], ids=["long", "deep", "relative"]
)
def test_a_project_path_that_no_folder_here_can_have(cli, save, home, path, monkeypatch):
    """A session of another machine may name anything: the others are rescued, listed and resumed all the same."""
    save("hello", "hi", id="a", project_path=path)
    make_home(home)
    assert cli.json("sessions", "rescue")["totals"]["failed"] == 0
    assert [row["id"] for row in cli.json("sessions", "list", "--project", path)] == ["a"]
    monkeypatch.chdir(home)
    assert "is not on this machine" in cli.run("sessions", "resume", "a", "--agent", "claude-code", "--dry-run").stderr
