"""The detector library: loaded late, and never kept from a text in which it would find something."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from kingfisher_sdk import Rules, Scanner

from superqode.session.redaction import find
from superqode.session.redaction.known import is_placeholder
from superqode.session.redaction.library import OURS, may_hold, rule_name

from .planted_secrets import CARRIED, VENDORS

TRANSCRIPTS = Path(__file__).parents[4] / "shared" / "data" / "transcripts"


@pytest.fixture(scope="module")
def naive(rules_cache):
    """The library by itself."""
    return Scanner(Rules(cache_dir=rules_cache), base64=False)


def _strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _texts_of(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        try:
            data = gzip.decompress(data)
        except (OSError, EOFError):
            return
    text = data.decode("utf-8", "replace")
    yield text
    for line in (text, *text.splitlines()):
        try:
            yield from _strings(json.loads(line))
        except ValueError:
            continue


def _lost(naive, text, rules_cache):
    """What the library finds and we do not: nothing, but for placeholders and the rules that are ours."""
    listed = [finding for finding in naive.scan(text.encode("utf-8", "replace")) if finding.visible]
    listed = [finding for finding in listed if rule_name(finding.rule_id) not in OURS]
    if not listed:
        return []
    assert may_hold(text.encode("ascii", "replace"))
    covered = [text[start:end] for start, end, _ in find(text, rules_cache=rules_cache)]
    secrets = [finding.secret for finding in listed]
    return [
        secret
        for secret in secrets
        if not is_placeholder(secret) and not any(one in secret or secret in one for one in covered)
    ]


@pytest.mark.parametrize("name", [*VENDORS, *CARRIED])
def test_the_prefilter_loses_no_planted_secret(naive, rules_cache, name):
    """What the library finds by itself in a planted text is found behind the prefilter, too."""
    text = CARRIED[name][0] if name in CARRIED else VENDORS[name]
    assert _lost(naive, text, rules_cache) == []
    assert _lost(naive, f"say\n{text}\nfoo", rules_cache) == []


def test_the_prefilter_loses_nothing_in_real_transcripts(naive, rules_cache):
    """What the library finds in agents' transcripts, raw and decoded, is found behind the prefilter, too."""
    if not TRANSCRIPTS.is_dir():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    texts = {text for path in sorted(TRANSCRIPTS.rglob("*")) if path.is_file() for text in _texts_of(path)}
    assert len(texts) > 1_000
    assert [lost for text in texts for lost in _lost(naive, text, rules_cache)] == []


def test_real_transcripts_hold_no_false_positive(rules_cache):
    """Of transcripts recorded without secrets only the tokens of shares are masked, raw and decoded: they are ones."""
    if not TRANSCRIPTS.is_dir():
        pytest.skip("the recorded transcripts are not beside this checkout (../shared/data/transcripts)")
    texts = {text for path in sorted(TRANSCRIPTS.rglob("*")) if path.is_file() for text in _texts_of(path)}
    places = [(text, start) for text in texts for start, _, _ in find(text, rules_cache=rules_cache)]
    assert [
        text[start - 60 : start + 30] for text, start in places if not text[:start].endswith('"share_token": "')
    ] == []


def test_the_library_loads_when_a_text_needs_it():
    """Importing the package, and reading what cannot hold a secret, leaves the library alone."""
    script = (
        "import sys; from superqode.session import redaction; redactor = redaction.Redactor(b'k');"
        "redactor.text('short words only here'); redactor.text(''); redaction.RULES;"
        "assert not [name for name in sys.modules if name.startswith('kingfisher')];"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_without_a_folder_nothing_is_written(tmp_path, monkeypatch):
    """The library's own cache stays off: it would write into the user's folders."""
    script = (
        "from superqode.session.redaction import find; import sys;"
        "assert find('a ghp_' + '0aB1cD2eF3gH' * 3); assert 'kingfisher_sdk' in sys.modules"
    )
    home = tmp_path / "empty"
    home.mkdir()
    environment = {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60, env=environment)
    assert list(home.iterdir()) == []
