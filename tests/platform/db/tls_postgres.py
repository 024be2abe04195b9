"""A PostgreSQL of the tests' own, with TLS on and certificates made on the spot."""

import ipaddress
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from stoa.kit.clock import utc_now
from stoa.platform.testing.servers import free_port

DATABASE = "test_stoa_tls"
CERTIFICATE_ONLY = "test_stoa_tls_certificate"
"""Lets in whoever shows a client certificate, and nobody else."""


def binaries() -> Path | None:
    """The newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    on_path = shutil.which("initdb")
    return found[-1].parent if found else Path(on_path).parent if on_path else None


class Authority:
    """A certificate authority; files are written with mode 0600 into `folder`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = self._write(f"{name}.crt", self._signed(self._subject, self._key, 365, authority=True))

    def issue(self, common_name: str, *, days: float = 365, host: str = "") -> tuple[Path, Path]:
        """Files of a certificate and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        encoded = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = f"{self.name}-{common_name}-{days:g}"
        return self._write(f"{file}.crt", self._signed(subject, key, days, host=host)), self._write(
            f"{file}.key", encoded
        )

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        days: float,
        *,
        host: str = "",
        authority: bool = False,
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(utc_now() - timedelta(days=400))
            .not_valid_after(utc_now() + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if host:
            names: list[x509.GeneralName] = [x509.DNSName(host)]
            if host[0].isdigit():
                names = [x509.IPAddress(ipaddress.ip_address(host))]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _write(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path


@dataclass(frozen=True)
class TlsServer:
    """Its certificate names `localhost` alone, so 127.0.0.1 is the wrong host."""

    port: int
    authority: Authority
    start: Callable[[], None]
    stop: Callable[[], None]


@contextmanager
def tls_server(programs: Path, authority: Authority) -> Iterator[TlsServer]:
    """initdb, start, and stop and remove at the end. As root it runs as `postgres` or `nobody`: it refuses root."""
    # Not pytest's folder: another user could not pass through it.
    folder = Path(tempfile.mkdtemp(prefix="test_stoa_tls_"))
    port = free_port()
    try:
        certificate, key = authority.issue("localhost", host="localhost")
        for source, name in ((certificate, "server.crt"), (key, "server.key"), (authority.certificate, "ca.crt")):
            shutil.copy(source, folder / name)
        as_user = _unprivileged(folder)
        data = folder / "data"

        def run(program: str, *arguments: str) -> None:
            # To a file: the server inherits the output of pg_ctl, and a pipe would end only with the server.
            with (folder / "output").open("w") as output:
                command = [str(programs / program), *arguments]
                done = subprocess.run(
                    command, cwd=folder, stdout=output, stderr=output, timeout=60, check=False, **as_user
                )
            written = [path.read_text() for path in (folder / "output", folder / "log") if path.is_file()]
            assert done.returncode == 0, "\n".join([program, *written])

        def start() -> None:
            run("pg_ctl", "-D", str(data), "-w", "-t", "30", "-l", str(folder / "log"), "start")

        def stop() -> None:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")

        run("initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C")
        _configure(folder, port)
        start()
        try:
            for name in (DATABASE, CERTIFICATE_ONLY):
                run("createdb", "-h", str(folder), "-p", str(port), "-U", "postgres", name)
            yield TlsServer(port, authority, start, stop)
        finally:
            stop()
    finally:
        shutil.rmtree(folder)


def _configure(folder: Path, port: int) -> None:
    (folder / "data" / "pg_hba.conf").write_text(
        f"local all all trust\nhostssl {CERTIFICATE_ONLY} all all cert\nhost {DATABASE} all all trust\n"
    )
    with (folder / "data" / "postgresql.conf").open("a") as conf:
        conf.write(
            f"port = {port}\nlisten_addresses = 'localhost'\nunix_socket_directories = '{folder}'\nfsync = off\n"
            f"ssl = on\nssl_cert_file = '{folder}/server.crt'\nssl_key_file = '{folder}/server.key'\n"
            f"ssl_ca_file = '{folder}/ca.crt'\nshared_buffers = 16MB\nmax_connections = 20\n"
        )


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Keywords for subprocess.run; `folder` is given to the user it names."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
