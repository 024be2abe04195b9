"""A small OpenID server over real HTTP: discovery, authorize, token, keys, userinfo. It checks what a real one checks
(client secret, PKCE, redirect address, single use of a code), and errs on request."""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, CLIENT_SECRET = "stoa-client", "stoa-client-secret"
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
_OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class OpenIdServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.person: dict[str, Any] = {}
        self.fault = ""
        """wrong_nonce, no_nonce, other_audience, other_issuer, other_key, unsigned, hmac, expired, no_id_token,
        other_userinfo, token_500, userinfo_500, keys_500, discovery_500, not_json, no_type, slow, inside."""
        self.grants: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    def document(self) -> dict[str, Any]:
        jwks = "http://169.254.169.254/keys" if self.fault == "inside" else f"{self.url}/keys"
        return {
            "issuer": "https://elsewhere.example.org" if self.fault == "other_document" else self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": jwks,
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }

    def grant(self, query: dict[str, str]) -> str:
        code = secrets.token_urlsafe(12)
        self.grants[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.url})}"

    def exchange(self, form: dict[str, str], authorization: str) -> dict[str, Any]:
        """Raises KeyError or AssertionError for what a server refuses."""
        assert base64.b64decode(authorization.removeprefix("Basic ")).decode() == f"{CLIENT_ID}:{CLIENT_SECRET}"
        granted = self.grants.pop(form["code"])
        assert form["redirect_uri"] == granted["redirect_uri"]
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == granted["code_challenge"]
        token = secrets.token_urlsafe(12)
        self.tokens[token] = dict(self.person)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 60}
        return answer if self.fault == "no_id_token" else {**answer, "id_token": self.id_token(granted)}

    def id_token(self, granted: dict[str, str]) -> str:
        now, fault = int(time.time()), self.fault
        claims = {
            **self.person,
            "iss": "https://elsewhere.example.org" if fault == "other_issuer" else self.url,
            "aud": "another-client" if fault == "other_audience" else CLIENT_ID,
            "iat": now - 7200 if fault == "expired" else now,
            "exp": now - 3600 if fault == "expired" else now + 300,
            "nonce": "another" if fault == "wrong_nonce" else granted["nonce"],
        }
        if fault == "no_nonce":
            del claims["nonce"]
        headers = {"kid": "one"}
        if fault == "unsigned":
            return jwt.encode(claims, "", "none", headers)
        if fault == "hmac":
            return jwt.encode(claims, CLIENT_SECRET.ljust(32, "-"), "HS256", headers)
        return jwt.encode(claims, _OTHER_KEY if fault == "other_key" else _KEY, "RS256", headers)


class _Handler(BaseHTTPRequestHandler):
    server: OpenIdServer

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        self.server.asked.append(parts.path)
        match parts.path:
            case "/.well-known/openid-configuration":
                self._answer(self.server.document(), failing="discovery_500")
            case "/authorize":
                self.send_response(302)
                self.send_header("Location", self.server.grant(query))
                self.end_headers()
            case "/keys":
                key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(_KEY.public_key()))
                self._answer({"keys": [{**key, "kid": "one", "alg": "RS256"}]}, failing="keys_500")
            case "/userinfo":
                person = self.server.tokens[self.headers["Authorization"].removeprefix("Bearer ")]
                other = {"sub": "somebody-else"} if self.server.fault == "other_userinfo" else {}
                self._answer({**person, **other}, failing="userinfo_500")
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        self.server.asked.append(self.path)
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()}
        if self.server.fault == "slow":
            time.sleep(3)
        try:
            answer = self.server.exchange(form, self.headers["Authorization"])
        except (KeyError, AssertionError):
            self.send_error(400)
            return
        self._answer(answer, failing="token_500")

    def _answer(self, answer: dict[str, Any], *, failing: str) -> None:
        text = b"{nonsense" if self.server.fault == "not_json" else json.dumps(answer).encode()
        self.send_response(500 if self.server.fault == failing else 200)
        if self.server.fault != "no_type":
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        return None


@contextmanager
def openid_server() -> Iterator[OpenIdServer]:
    server = OpenIdServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
