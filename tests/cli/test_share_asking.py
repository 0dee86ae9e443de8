"""Passwords on their way in, passphrases on their way out, and errors that repeat neither."""

from __future__ import annotations

import json
import sys
from datetime import timedelta

import click
import pytest
from click.testing import CliRunner, Result

import terminal
from superqode.cli import params
from superqode.cli.exit_codes import ExitCode
from superqode.cli.share import asking
from superqode.cli.share.masking import hide_secrets, without_secrets
from superqode.cli.share.passphrase import BITS, new_passphrase
from superqode.session import entropy
from superqode.session.errors import PasswordRequired, SessionNotFound

from .conftest import Cli

ID = "01hqz8k3v5w7x9y2a4b6c8d0ef"
SECRET = "Abcdefghijklmnopqrstu_"
LINK = f"https://git.example/team/shares.git#{ID}.{SECRET}"


@click.command()
@asking.new_password_options
def make(ask: bool, from_stdin: bool, generate: bool) -> None:
    """Print the password as `share create` gets it."""
    given = asking.new_password(ask=ask, from_stdin=from_stdin, generate=generate)
    click.echo(f"got {given.text!r} {given.generated}")


@click.command()
@asking.password_options
@click.option("--needed", is_flag=True)
def use(ask: bool, from_stdin: bool, needed: bool) -> None:
    """Print what a share is opened with; one that needs a password refuses without."""

    def read(password: str | None) -> str | None:
        if needed and password is None:
            raise PasswordRequired(ID)
        return password

    click.echo(f"got {asking.with_password(read, ask=ask, from_stdin=from_stdin)!r}")


def run(command: click.Command, *args: str, typed: bytes | str | None = None, **variables: str) -> Result:
    return CliRunner().invoke(command, args, input=typed, env=variables)


@pytest.fixture
def somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody sits at the terminal that click's runner plays."""
    monkeypatch.setattr(asking, "can_ask", lambda: True)


@pytest.mark.usefixtures("somebody")
def test_a_new_password_is_asked_for_twice() -> None:
    """Two different answers are asked for again; nothing that is typed is shown."""
    told = run(make, "--password", typed="one password\nanother\nlong password\nlong password\n")
    assert "got 'long password' False" in told.stdout
    assert "do not match" in told.stderr
    for typed in ("one password", "another"):
        assert typed not in told.stderr


@pytest.mark.usefixtures("somebody")
def test_an_existing_password_is_asked_for_once_and_only_where_it_is_needed() -> None:
    """A share without a password asks nothing; --password asks before the share is fetched."""
    assert run(use, typed="never read\n").stdout == "got None\n"
    assert "got 'sesame'" in run(use, "--needed", typed="sesame\n").stdout
    assert "got 'sesame'" in run(use, "--password", typed="sesame\n").stdout


@pytest.mark.parametrize("command", [make, use], ids=["make", "use"])
def test_standard_input_gives_one_line(command: click.Command) -> None:
    """Spaces belong to a password, the end of its line does not; either kind of end."""
    for ending in ("\n", "\r\n", ""):
        told = run(command, "--password-stdin", typed=f"  two words é {ending}")
        assert "got '  two words é '" in told.stdout


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        pytest.param(b"", "there is no password", id="nothing"),
        pytest.param(b"\n", "there is no password", id="an empty line"),
        pytest.param(b"\xff\n", "no UTF-8", id="no text"),
        pytest.param(b"x" * 9000, "more than 8192 bytes", id="endless"),
    ],
)
def test_standard_input_that_is_no_password_is_refused(typed: bytes, reason: str) -> None:
    """Each is a usage error that says why."""
    told = run(make, "--password-stdin", typed=typed)
    assert told.exit_code == ExitCode.USAGE
    assert reason in told.stderr


def test_the_environment_gives_it() -> None:
    """The variable is used for new shares and for opening; standard input wins."""
    variables = {asking.PASSWORD_VARIABLE: "from the environment"}
    assert "got 'from the environment'" in run(make, "--password", **variables).stdout
    assert "got 'from the environment'" in run(use, **variables).stdout
    assert "got 'piped password'" in run(use, "--password-stdin", typed="piped password\n", **variables).stdout


def test_nobody_is_asked_where_nobody_is() -> None:
    """Without a terminal there is an error that names the other ways, and no wait."""
    told = run(make, "--password", typed="x\n")
    assert told.exit_code == ExitCode.USAGE
    assert "--password-stdin, --generate or $SUPERQODE_SHARE_PASSWORD" in told.stderr
    assert run(use, "--password", typed="x\n").exit_code == ExitCode.USAGE
    told = run(use, "--needed", typed="x\n")
    assert isinstance(told.exception, PasswordRequired)
    assert "--password-stdin" in told.stderr


def test_a_short_password_is_warned_of_and_taken() -> None:
    """It is the user's choice; the note says what would be better."""
    told = run(make, "--password-stdin", typed="short\n")
    assert "got 'short'" in told.stdout
    assert "--generate" in told.stderr
    assert run(make, "--password-stdin", typed="long enough!\n").stderr == ""


def test_a_passphrase_is_made_by_itself() -> None:
    """--generate needs no terminal, and goes with no other way."""
    told = run(make, "--generate")
    assert told.stdout.endswith("' True\n")
    for other in ("--password", "--password-stdin"):
        assert run(make, "--generate", other, typed="x\n").exit_code == ExitCode.USAGE


def test_a_passphrase_spells_every_bit() -> None:
    """Eighty bits, each of which can be read back from five words of the proposal's own letters."""
    random = bytes(range(7, 17))
    entropy.set_entropy(lambda count: random[:count])
    try:
        made = new_passphrase()
    finally:
        entropy.set_entropy(None)
    words = made.split("-")
    assert [len(word) for word in words] == [5] * 5
    bits = "".join(
        format("bdfghjklmnprstvz".index(letter), "04b") if place % 2 == 0 else format("aiou".index(letter), "02b")
        for word in words
        for place, letter in enumerate(word)
    )
    assert int(bits, 2).to_bytes(10) == random
    assert len(bits) == BITS
    assert new_passphrase() != new_passphrase()


def test_a_known_proquint_is_spelt_as_in_its_proposal() -> None:
    """127.0.0.1 is lusab-babad there."""
    entropy.set_entropy(lambda count: bytes([127, 0, 0, 1]) * count)
    try:
        assert new_passphrase().startswith("lusab-babad-")
    finally:
        entropy.set_entropy(None)


# -- on a real terminal -------------------------------------------------------------------------------------------


def on_a_terminal(program: str, answers: list[tuple[str, bytes]]) -> tuple[int, str]:
    """Run Python on a terminal of its own, answering each prompt when it stands there; exit code and what was seen."""
    return terminal.converse([sys.executable, "-c", f"{terminal.TAKE_TERMINAL}\n{program}"], answers)


PROGRAM = """
import click
from superqode.cli.share import asking
with click.Context(click.Command("x")):
    given = asking.new_password(ask=True, from_stdin=False, generate=False)
    print("length", len(given.text))
"""


def test_the_terminal_does_not_show_what_is_typed() -> None:
    """The prompt stands there twice, and neither answer."""
    code, told = on_a_terminal(
        PROGRAM, [("Password of the share", b"correct horse\n"), ("Repeat for confirmation", b"correct horse\n")]
    )
    assert code == 0, told
    assert "length 13" in told
    assert "correct" not in told


def test_a_prompt_can_be_left() -> None:
    """Ctrl-C at the prompt ends it without a password."""
    code, told = on_a_terminal(PROGRAM, [("Password of the share", b"\x03")])
    assert code != 0
    assert "length" not in told


# -- errors -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"see {LINK} there", f"see https://git.example/team/shares.git#{ID}.… there"),
        (f"{ID}.{SECRET[:5]}", f"{ID}.…"),
        (f"'{ID.upper()}.{SECRET}'", f"'{ID.upper()}.…'"),
        (ID, ID),
        ("https://user:pa%20ss@git.example/x", "https://…@git.example/x"),
        ("https://ghp_token@git.example/x", "https://…@git.example/x"),
        ("ssh://git@git.example/x", "ssh://git@git.example/x"),
        ("ssh://git:pw@git.example/x", "ssh://git:…@git.example/x"),
        ("git@git.example:x", "git@git.example:x"),
        ("a plain word. And another", "a plain word. And another"),
    ],
    ids=["link", "cut", "upper", "id", "credentials", "token", "ssh name", "ssh password", "scp", "prose"],
)
def test_what_opens_a_share_is_taken_out_of_text(text: str, shown: str) -> None:
    """Link secrets and credentials go, what helps to understand an error stays."""
    assert without_secrets(text) == shown


def test_errors_that_led_to_an_error_are_clean_too() -> None:
    """A traceback shows causes, so their messages hold no secrets either."""
    try:
        try:
            raise SessionNotFound(LINK)
        except SessionNotFound as problem:
            raise click.UsageError(LINK) from problem
    except click.UsageError as problem:
        cleaned = hide_secrets(problem)
    assert isinstance(cleaned, click.UsageError)
    for text in (cleaned.message, cleaned.format_message(), str(cleaned), str(cleaned.__cause__)):
        assert SECRET not in text


@pytest.mark.parametrize(
    "args",
    [
        ["share", LINK],
        ["share", "open", "x", LINK],
        ["share", "create", LINK],
        ["share", "open", f"{LINK}x"],
        ["share", "show", f"--{LINK}", "x"],
        ["share", "list", "--session", LINK],
        ["share", "create", "x", "--visibility", LINK],
        ["share", "passwords", "remove", "x", LINK],
        ["sessions", "show", LINK],
        ["sessions", "import", LINK],
        ["remote", "add", "x", LINK.replace("https://", "https://u:Abcdefghijklmnopqrstu_@")],
        ["remote", "default", LINK],
        [LINK],
    ],
    ids=lambda args: " ".join(args)[:28],
)
@pytest.mark.parametrize("debug", ["", "1"], ids=["short", "debug"])
def test_a_link_is_never_echoed(cli: Cli, args: list[str], debug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a link ends up by mistake, neither the error nor its JSON repeats the secret."""
    monkeypatch.setenv("SUPERQODE_DEBUG", debug)
    cli.run("sessions", "new", "--id", "here")
    for extra in ([], ["--json"]):
        told = CliRunner().invoke(_main(), ["--store", str(cli.store), *args, *extra])
        assert SECRET[:8] not in told.stdout + told.stderr
        if extra and not debug and told.exit_code:
            assert json.loads(told.stderr)["error"]["exit_code"] == told.exit_code


def _main() -> click.Command:
    from superqode.cli import main

    return main


# -- times to live ------------------------------------------------------------------------------------------------


def test_a_lifetime_is_an_age_or_never() -> None:
    """Ages as everywhere, and `never` for ever."""
    assert params.lifetime("7d") == params.Lifetime(timedelta(days=7))
    assert params.lifetime(" NEVER ") == params.Lifetime(None)


@pytest.mark.parametrize("typed", ["", "soon", "-7d", "0d", "999999w", "7"])
def test_what_is_no_lifetime_is_refused(typed: str) -> None:
    """A time that is over at once, beyond the calendar, or no time at all, is a usage error."""
    with pytest.raises(click.BadParameter):
        params.lifetime(typed)


def test_a_password_does_not_print_itself() -> None:
    """The value that carries a new password does not show it when it is printed by mistake."""
    assert "sesame" not in repr(asking.NewPassword("sesame"))
