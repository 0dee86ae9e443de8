"""Projects on the command line: found wherever their folder was, and told of."""

from __future__ import annotations

import subprocess


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
