"""What is committed holds no secret, and each kind would be seen."""

import base64
from pathlib import Path

import pytest

from architecture.committed_secrets import secrets_in, tracked


def test_the_repository_holds_no_secret(root: Path) -> None:
    names = tracked(root)
    assert ".env.example" in names
    assert secrets_in(root, names) == []


# Put together here, so that this file is not itself a find.
_PLANTED = {
    "notes.md": ("-----BEGIN RSA PRIVATE" + " KEY-----\n" + base64.b64encode(b"x" * 48).decode(), "a private key"),
    "settings.py": ("KEY = 'AKIA" + "ABCDEFGHIJKLMNOP'", "an access key of AWS"),
    "ci.yml": ("token: ghp_" + "a" * 36, "a token of GitHub"),
    "pay.py": ("sk_live_" + "b" * 24, "a live key of Stripe"),
    "chat.py": ("xoxb-" + "1" * 24, "a token of Slack"),
    "compose.yaml": ("postgresql://stoa:" + "Zm9vYmFyYmF6cXV4MTIz" + "@db/stoa", "an address with its password"),
}


@pytest.mark.parametrize("name", _PLANTED)
def test_a_secret_in_any_file_is_found(tmp_path: Path, name: str) -> None:
    text, what = _PLANTED[name]
    (tmp_path / name).write_text(text)
    assert secrets_in(tmp_path, [name]) == [f"{name}: holds {what}"]


@pytest.mark.parametrize("name", [".env", "deploy/server.pem", "infra/id_ed25519", "tls.key"])
def test_a_file_that_is_made_for_secrets_is_found_whatever_it_holds(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    assert secrets_in(tmp_path, [name]) == [f"{name}: a file for secrets"]
