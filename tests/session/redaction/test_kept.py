"""What looks like a secret and is none stays: ids, digests, images, placeholders, code."""

from __future__ import annotations

import hashlib
import random
import re
from base64 import b64encode
from pathlib import Path
from uuid import UUID

import pytest

_SHA1 = hashlib.sha1(b"x", usedforsecurity=False).hexdigest()
_SHA256 = hashlib.sha256(b"x").hexdigest()
_MD5 = hashlib.md5(b"x", usedforsecurity=False).hexdigest()
_IMAGE = b64encode(random.Random(5).randbytes(60_000)).decode()

KEPT = {
    "git-log": f"commit {_SHA1}\ntree {_SHA1}\nAuthor: me <me@example.org>\n\n    Fix the token refresh",
    "git-range": f"index {_SHA1[:7]}..{_SHA1[8:15]} 100644\n--- a/secrets.py\n+++ b/secrets.py",
    "sha256-object": f"git cat-file -p {_SHA256}",
    "uuid": f"session {UUID(int=7)} token: {UUID(hex=_MD5)} request-id={UUID(hex=_MD5)}",
    "digests": f'sha256:{_SHA256}\nmd5 = {_MD5}\netag: "{_MD5}"\nchecksum={_SHA256}\ndigest: {_SHA1}',
    "integrity": f'"integrity": "sha512-{b64encode(hashlib.sha512(b"x").digest()).decode()}",',
    "yarn-lock": f'resolved "https://registry.example.org/x/-/x-1.0.0.tgz#{_SHA1}"\n  integrity sha1-{_SHA1[:27]}=',
    "cargo-lock": f'name = "tokenizers"\nversion = "0.13.2"\nchecksum = "{_SHA256}"',
    "poetry-lock": f'{{file = "secrets-1.0.tar.gz", hash = "sha256:{_SHA256}"}},',
    "go-sum": "golang.org/x/oauth2 v0.10.0 h1:zHCpF2Khkwy4mMB4bv0U37YtJdTGW8jI0glAApi0Kh8=",
    "data-url": f"![shot](data:image/png;base64,{_IMAGE})",
    "image": f'{{"type": "image", "source": {{"media_type": "image/png", "data": "{_IMAGE}"}}}}',
    "own-ids": "20261122-100000-7m2q9x4k msg-7m2q9x4k1234 call-7m2q9x4k1234 snap-20261122-100000-7m2q9 token: msg-7m2q9x4k1234",
    "agents-ids": '{"id": "toolu_01A09q90qw90lq917835lq9", "call_id": "call_abcDEF0123456789abcDEF01"}',
    "placeholders": 'api_key = "your-api-key"\ntoken = "xxx"\nTOKEN=xxxxxxxxxxxx\npassword: <password>\nsecret=CHANGEME',
    "placeholders-shell": 'export TOKEN=${TOKEN}\nexport API_KEY=$KEY\nPASSWORD="$(pass show db)"\ncurl -u "$USER:$PASS" x',
    "placeholders-template": 'token: {{ secrets.token }}\npassword = "%s" % x\nkey: ${{ secrets.API_KEY }}\npw = f"{password}"',
    "placeholders-url": "https://user:password@example.org postgres://$USER:$PASS@db/x http://<user>:<pass>@host",
    "placeholders-header": "Authorization: Bearer <token>\nAuthorization: Bearer $TOKEN\nAuthorization: Bearer ${TOKEN}",
    "placeholders-vendor": f"ghp_{'x' * 36} sk-{'x' * 40} AKIAXXXXXXXXXXXXXXXX sk-ant-api03-...",
    "placeholders-key": "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----",
    "stars": "password: ********\napi_key=****************\ntoken: sk-...abcd",
    "code": "password = get_password()\ntoken = self.tokens[0]\nsecret = config.secret\nkey = await vault.read(path)",
    "code-arguments": "login(user=user, password=password, token=token)\nf(api_key=api_key2, password=pw1)",
    "code-environment": 'os.environ["API_KEY"]\ntoken = os.getenv("GITHUB_TOKEN")\nconst k = process.env.API_KEY\nENV["TOKEN"]',
    "code-types": "password: str\ntoken: Optional[str] = None\nsecret: string;\napi_key: int32\nprivate_key: Ed25519PrivateKey",
    "code-comparison": 'if password == "hunter2":\n    return token != "abc123def456"',
    "code-words": 'token = "identifier"\n{"token": "string"}\n"password": "Password"\ntoken_type = "bearer"\nsecret_name = "db"',
    "code-names": 'password_field = "password"\nkey = "access_token"\nTOKEN_HEADER = "X-Token"\ntoken="github_token"',
    "counters": '{"input_tokens": 1234, "max_tokens": 4096, "output_tokens": 12, "token": 17, "total_token: 8"}',
    "pages": '"next_page_token": "CAUQAA8s7df6sd87f6", "nextPageToken": "EAAaBlBUOkNBVQ8s7df6"',
    "paths": "private_key = /etc/ssl/private/x.pem\nsecret: ./secrets/db.txt\nPWD=/home/dev/project\nkey_file=~/.ssh/id_rsa",
    "prose": "The password is checked, then the token: see below. Secret: none. Set the API key first (key: value).",
    "random": "x = 'J8s7dF6sD87f6Qw3e9Zk2LmN0pRt5Yv'  build 8s7df6sd87f6qw3e9zk2lmn0prt5yv blob=" + _IMAGE[:64],
    "sql-prose": 'exceptions are identified by "global" statements in some modules',
    "modules": "getpass: 3.0-\nbypass=1a2b3c4d\nspwd: 3.0-3.12",
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_what_is_no_secret_stays(found, name):
    """Nothing in it is masked, neither alone nor as somebody's JSON."""
    assert found(KEPT[name]) == []


@pytest.mark.parametrize("name", KEPT)
def test_what_is_no_secret_stays_in_values(redactor, name):
    """A value made of it is the very object that was given."""
    value = {"content": KEPT[name], "list": [KEPT[name], 7]}
    assert redactor.value(value).value is value


def test_our_own_source_holds_no_secret(found):
    """Thousands of lines of code that speak of passwords, keys and tokens have nothing to mask but named examples."""
    source = Path(__file__).parents[3] / "src"
    taken = {text for path in source.rglob("*.py") for text, _ in found(path.read_text("utf-8"))}
    assert {text for text in taken if not re.match(r"hunter2", text)} == set()
