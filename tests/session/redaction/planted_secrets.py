"""Secrets to plant: made by chance from a seed, in the vendors' shapes, so that none stands in this file."""

from __future__ import annotations

import random
import string
from base64 import b64encode, urlsafe_b64encode

__all__ = ["CARRIED", "SECRETS", "VENDORS"]

_dice = random.Random(20261122)
_ALNUM = string.ascii_letters + string.digits
_URL = _ALNUM + "-_"
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits


def _draw(count, alphabet=_ALNUM):
    """Characters by chance, always with digits among them, as tokens of this length have."""
    drawn = [_dice.choice(alphabet) for _ in range(count)]
    digits = [character for character in alphabet if character.isdigit()]
    for place in range(2, count, 7):
        if digits:
            drawn[place] = _dice.choice(digits)
    return "".join(drawn)


def _lines(count, width=64):
    return "\n".join(_draw(width, _ALNUM + "+/") for _ in range(count))


def _block(kind, lines):
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----"


_claims = urlsafe_b64encode(b'{"sub":"1234567890","name":"Jane Doe","iat":1516239022}').decode().rstrip("=")
_header = urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")

# Each is the secret itself, found wherever it stands.
VENDORS = {
    "aws-access-key-id": "AKIA" + _draw(16, string.ascii_uppercase + "234567"),
    "aws-temporary-key-id": "ASIA" + _draw(16, string.ascii_uppercase + "234567"),
    "github-classic": "ghp_" + _draw(36),
    "github-oauth": "gho_" + _draw(36),
    "github-app": "ghs_" + _draw(36),
    "github-fine-grained": "github_pat_" + _draw(22) + "_" + _draw(59),
    "gitlab-personal": "glpat-" + _draw(20),
    "gitlab-runner": "glrt-" + _draw(20),
    "slack-bot": "xoxb-" + _draw(12, string.digits) + "-" + _draw(12, string.digits) + "-" + _draw(24),
    "slack-user": "xoxp-" + "-".join(_draw(12, string.digits) for _ in range(3)) + "-" + _draw(32, _HEX),
    "slack-app": "xapp-1-A" + _draw(10, _UPPER) + "-" + _draw(13, string.digits) + "-" + _draw(64, _HEX),
    "slack-webhook": "https://hooks.slack.com/services/T"
    + _draw(8, _UPPER)
    + "/B"
    + _draw(8, _UPPER)
    + "/"
    + _draw(24),
    "stripe-live": "sk_live_" + _draw(24),
    "stripe-restricted": "rk_live_" + _draw(24),
    "stripe-test": "sk_test_" + _draw(24),
    "openai": "sk-" + _draw(20) + "T3BlbkFJ" + _draw(20),
    "openai-project": "sk-proj-" + _draw(74, _URL) + "T3BlbkFJ" + _draw(74, _URL),
    "anthropic": "sk-ant-api03-" + _draw(93, _URL) + "AA",
    "openrouter": "sk-or-v1-" + _draw(64, _HEX),
    "google-api": "AIza" + _draw(35, _URL),
    "google-oauth-secret": "GOCSPX-" + _draw(28, _URL),
    "google-oauth-token": "ya29." + _draw(60, _URL),
    "npm": "npm_" + _draw(36),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + _draw(80, _URL),
    "huggingface": "hf_" + _draw(34, string.ascii_letters),
    "azure-client-secret": _draw(3) + "8Q~" + _draw(34, _ALNUM),
    "sendgrid": "SG." + _draw(22, _URL) + "." + _draw(43, _URL),
    "twilio": "SK" + _draw(32, _HEX),
    "jwt": f"{_header}.{_claims}.{_draw(43, _URL)}",
    "telegram": _draw(10, "123456789") + ":AA" + _draw(33, _URL),
    "mailchimp": _draw(32, _HEX) + "-us12",
    "square": "sq0csp-" + _draw(43, _URL),
    "digitalocean": "dop_v1_" + _draw(64, _HEX),
    "groq": "gsk_" + _draw(52),
    "databricks": "dapi" + _draw(32, _HEX),
    "vault": "hvs." + _draw(90, _URL),
    "linear": "lin_api_" + _draw(40),
    "notion": "ntn_" + _draw(46),
    "shopify": "shpat_" + _draw(32, _HEX),
    "docker": "dckr_pat_" + _draw(27, _URL),
    "new-relic": "NRAK-" + _draw(27, _UPPER),
    "grafana": "glsa_" + _draw(32) + "_" + _draw(8, _HEX),
    "sentry": "sntrys_" + _draw(80),
    "supabase": "sbp_" + _draw(40, _HEX),
    "rsa-key": _block("RSA PRIVATE KEY", _lines(12)),
    "openssh-key": _block("OPENSSH PRIVATE KEY", _lines(6, 70)),
    "pkcs8-key": _block("PRIVATE KEY", _lines(8)),
    "pgp-key": _block("PGP PRIVATE KEY BLOCK", f"Version: 1\n\n{_lines(9)}\n=abcd"),
}

_PASSWORD = "T7#kq" + _draw(9)
_TOKEN = _draw(32)

# The text around, and the secret in it.
CARRIED = {
    "url": (f"git clone https://alice:{_TOKEN}@git.example.org/x.git", _TOKEN),
    "postgres": (f"postgres://app:{_PASSWORD[5:]}@db.example.org:5432/app", _PASSWORD[5:]),
    "redis-without-user": (f"redis://:{_TOKEN}@cache.example.org/0", _TOKEN),
    "url-token": (f"https://{_TOKEN}@git.example.org/x.git", _TOKEN),
    "authorization-bearer": (f"Authorization: Bearer {_TOKEN}", _TOKEN),
    "authorization-token": (f"authorization: token {_TOKEN}", _TOKEN),
    "authorization-basic": (
        f"Authorization: Basic {b64encode(b'alice:' + _PASSWORD.encode()).decode()}",
        b64encode(b"alice:" + _PASSWORD.encode()).decode(),
    ),
    "bearer": (f'headers = {{"x": f"Bearer {_TOKEN}"}}', _TOKEN),
    "cookie": (f"Cookie: theme=dark; session={_TOKEN}; lang=en", _TOKEN),
    "set-cookie": (f"Set-Cookie: sid={_TOKEN}; Path=/; HttpOnly", _TOKEN),
    "api-key-header": (f"X-Api-Key: {_TOKEN}", _TOKEN),
    "password-quoted": (f'password = "{_PASSWORD}"', _PASSWORD),
    "password-json": (f'"password": "{_PASSWORD}"', _PASSWORD),
    "password-single": (f"'db_password' => '{_PASSWORD}',", _PASSWORD),
    "password-kwarg": ('connect(user="me", password="hunter2")', "hunter2"),
    "password-typed": ('def f(password: str = "hunter2x"):', "hunter2x"),
    "password-env": ("DB_PASSWORD=swordfish", "swordfish"),
    "password-env-file": ("HOST=x\nDB_PASSWORD=a7&b<c;d!\nPORT=1\n", "a7&b<c;d!"),
    "password-yaml": ("db:\n  password: hunter2\n", "hunter2"),
    "password-ini": ("[db]\npassword=hunter2\n", "hunter2"),
    "password-xml": ("<password>hunter2x</password>", "hunter2x"),
    "password-xml-value": ('<add key="Password" value="hunter2x" />', "hunter2x"),
    "password-dollar": ('password: "Pa$sw0rd!x"', "Pa$sw0rd!x"),
    "passphrase": ('passphrase: "correct horse battery staple"', "correct horse battery staple"),
    "password-unicode": ('password = "пароль-密码7"', "пароль-密码7"),
    "api-key-json": (f'{{"api_key": "{_TOKEN}"}}', _TOKEN),
    "api-key-camel": (f"const apiKey = '{_TOKEN}';", _TOKEN),
    "api-key-query": (f"https://x.example.org/?api_key={_TOKEN}&page=2", _TOKEN),
    "client-secret": (f'client_secret: "{_TOKEN}"', _TOKEN),
    "aws-secret": (f"aws_secret_access_key = {_TOKEN}{_TOKEN[:8]}", _TOKEN + _TOKEN[:8]),
    "export": (f"export TOKEN={_TOKEN}", _TOKEN),
    "export-short": ("export TOKEN=abc123def456", "abc123def456"),
    "npmrc": (f"//registry.example.org/:_authToken={_TOKEN}", _TOKEN),
    "netrc": (f"machine example.org login alice password {_PASSWORD}", _PASSWORD),
    "netrc-lines": (f"machine example.org\nlogin alice password {_PASSWORD}\n", _PASSWORD),
    "sql-server": ("Server=db;User Id=sa;Password=hunter2;Encrypt=yes", "hunter2"),
    "azure-storage": (
        f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b64encode(bytes(range(64))).decode()};EndpointSuffix=y",
        b64encode(bytes(range(64))).decode(),
    ),
    "azure-signature": (f"https://x.example.org/c?sv=2026&sig={_draw(43)}%3D", None),
    "docker-auth": (
        f'{{"auths": {{"r.example.org": {{"auth": "{b64encode(b"me:hunter2x").decode()}"}}}}}}',
        b64encode(b"me:hunter2x").decode(),
    ),
    "flag": (f"tool --token {_TOKEN} --verbose", _TOKEN),
    "flag-equals": (f"tool --api-key={_TOKEN}", _TOKEN),
    "curl-user": ("curl -s -u alice:hunter2x https://example.org", "hunter2x"),
    "sshpass": ("sshpass -p 'hunter2x' ssh me@example.org", "hunter2x"),
    "sql-identified": ("CREATE USER 'me'@'%' IDENTIFIED BY 'hunter2x';", "hunter2x"),
    "sql-with": ("ALTER ROLE me WITH PASSWORD 'hunter2x';", "hunter2x"),
}
CARRIED["azure-signature"] = (CARRIED["azure-signature"][0], CARRIED["azure-signature"][0].partition("sig=")[2])

SECRETS = VENDORS | {name: secret for name, (_, secret) in CARRIED.items()}
