"""Errors and exit codes: the numbers are part of the interface."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime

import click
import pytest

from superqode.cli import exit_codes
from superqode.cli.config import ConfigError
from superqode.cli.exit_codes import ExitCode, exit_code_for, help_lines
from superqode.cli.output import OutputClosed
from superqode.session import errors


def test_the_numbers_are_fixed() -> None:
    """Scripts compare numbers, so each keeps its meaning for good."""
    assert {code.name: int(code) for code in ExitCode} == {
        "OK": 0,
        "ERROR": 1,
        "USAGE": 2,
        "PARTLY": 3,
        "FINDINGS": 4,
        "NO_STORE": 10,
        "LOCKED": 11,
        "WRONG_PASSWORD": 12,
        "NOT_FOUND": 13,
        "CORRUPT": 14,
        "FORBIDDEN": 15,
        "REMOTE_FAILED": 16,
        "CANCELLED": 130,
    }


def test_every_code_is_explained_in_help() -> None:
    """No code exists that help does not explain."""
    told = help_lines().splitlines()[1:]
    assert [int(row.split()[0]) for row in told] == [int(code) for code in ExitCode]


def test_every_name_in_the_table_is_a_real_error() -> None:
    """A renamed error class cannot silently lose its exit code."""
    known = {name for name, _ in inspect.getmembers(errors, inspect.isclass)}
    known |= {"UsageError", "Abort", "KeyboardInterrupt", ConfigError.__name__, OutputClosed.__name__}
    assert set(exit_codes._BY_ERROR) <= known


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (errors.SessionNotFound("x"), ExitCode.NOT_FOUND),
        (errors.SessionDeleted("x"), ExitCode.NOT_FOUND),
        (errors.AmbiguousId("x", ["xa", "xb"]), ExitCode.NOT_FOUND),
        (errors.RevisionNotFound("x", "~9"), ExitCode.NOT_FOUND),
        (errors.CorruptSession("x", "torn"), ExitCode.CORRUPT),
        (errors.CorruptObject("0" * 40, "torn"), ExitCode.CORRUPT),
        (errors.NewerFormat("x", "9", 1), ExitCode.ERROR),
        (errors.StoreNotFound("p"), ExitCode.NO_STORE),
        (errors.NotAStore("p", "a file"), ExitCode.NO_STORE),
        (errors.StoreLocked("p", 1.0), ExitCode.LOCKED),
        (errors.RefConflict("r", None, None), ExitCode.LOCKED),
        (errors.StoreNotOwned("p", 1, 2), ExitCode.FORBIDDEN),
        (errors.InvalidSessionId("../x", "no"), ExitCode.USAGE),
        (errors.InvalidShareToken("x", "no"), ExitCode.USAGE),
        (errors.InvalidShareConfig("no"), ExitCode.USAGE),
        (errors.ProjectUnusable("p", "no"), ExitCode.USAGE),
        (errors.UnknownRole("x", ["y"]), ExitCode.USAGE),
        (errors.NoAgent("x", "no"), ExitCode.USAGE),
        (errors.UnknownRule("x", ["y"]), ExitCode.USAGE),
        (errors.NoQualityRun("x"), ExitCode.NOT_FOUND),
        (errors.SandboxFailed("p", "full"), ExitCode.ERROR),
        (errors.ShareNotFound("x", "here"), ExitCode.NOT_FOUND),
        (errors.ShareRevoked("x", "2026-11-22"), ExitCode.NOT_FOUND),
        (errors.ShareExpired("x", datetime(2026, 11, 22, tzinfo=UTC)), ExitCode.FORBIDDEN),
        (errors.NotForkable("x"), ExitCode.FORBIDDEN),
        (errors.WrongPassword("x"), ExitCode.WRONG_PASSWORD),
        (errors.PasswordRequired("x"), ExitCode.WRONG_PASSWORD),
        (errors.ShareTampered("x", "cut"), ExitCode.CORRUPT),
        (errors.ShareRolledBack("x", 2, 1), ExitCode.CORRUPT),
        (errors.KdfRefused("x", "weak"), ExitCode.CORRUPT),
        (errors.UnknownShareVersion("x", "9"), ExitCode.ERROR),
        (errors.InvalidRemote("x", "no"), ExitCode.USAGE),
        (errors.RemoteNotFound("x"), ExitCode.NOT_FOUND),
        (errors.NoDefaultRemote(["x", "y"]), ExitCode.NOT_FOUND),
        (errors.RemoteUnreachable("x", "gone"), ExitCode.REMOTE_FAILED),
        (errors.NoRepository("x", "gone"), ExitCode.REMOTE_FAILED),
        (errors.RemoteUnauthorized("x", "no"), ExitCode.REMOTE_FAILED),
        (errors.HostKeyRejected("x", "unknown"), ExitCode.REMOTE_FAILED),
        (errors.RemoteRejected("x", "r", "no"), ExitCode.REMOTE_FAILED),
        (errors.TranscriptError("x", "torn"), ExitCode.ERROR),
        (errors.SaveFailed("x", "not saved", "full"), ExitCode.ERROR),
        (errors.NothingToUndo("x"), ExitCode.ERROR),
        (click.BadParameter("x"), ExitCode.USAGE),
        (click.Abort(), ExitCode.CANCELLED),
        (KeyboardInterrupt(), ExitCode.CANCELLED),
        (ValueError("x"), ExitCode.ERROR),
    ],
)
def test_an_error_has_the_code_of_its_nearest_class(problem: BaseException, code: ExitCode) -> None:
    """Each family of errors ends with its own code, whatever builtin it also is."""
    assert exit_code_for(problem) is code
