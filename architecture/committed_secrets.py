"""No file of the repository holds a secret: neither one that is made to hold them, nor one that does."""

import re
import subprocess
from pathlib import Path

_SECRET_FILES = re.compile(r"(^|/)(\.env|id_(rsa|ed25519)|[^/]*\.(pem|key|p12|pfx|kdbx))$")
_SECRETS = {
    "a private key": re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=]{16}"),
    "an access key of AWS": re.compile(rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    "a token of GitHub": re.compile(rb"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "a live key of Stripe": re.compile(rb"\b[rs]k_live_[A-Za-z0-9]{16}"),
    "a token of Slack": re.compile(rb"\bxox[abprs]-[A-Za-z0-9-]{20}"),
    "an address with its password": re.compile(
        rb"(?:postgres(?:ql)?|rediss?|amqps?)://[A-Za-z0-9_.-]+:(?!\[|<|\{|%)[A-Za-z0-9+/]{20,}@"
    ),
}


def tracked(root: Path) -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True, text=True)
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def secrets_in(root: Path, names: list[str]) -> list[str]:
    faults = [f"{name}: a file for secrets" for name in names if _SECRET_FILES.search(name)]
    for name in names:
        content = (root / name).read_bytes()
        faults += [f"{name}: holds {what}" for what, form in _SECRETS.items() if form.search(content)]
    return faults
