"""Certificates of a private authority for a secure test broker and its clients, by openssl."""

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files; ``broker`` holds its key, its certificate and the authority in one."""

    ca: Path
    broker: Path
    client_key: Path
    client_certificate: Path


def make_certificates(directory: Path, address: str) -> Certificates:
    """Make an authority, a broker certificate for ``address`` and localhost, and a client's."""
    directory.mkdir(parents=True, exist_ok=True)
    ca, ca_key = directory / "ca.pem", directory / "ca.key"
    _make(ca, ca_key, "/CN=lab authority", "basicConstraints=critical,CA:TRUE")
    names = f"subjectAltName=DNS:localhost,IP:{address}"
    key, certificate = directory / "broker.key", directory / "broker.crt"
    _make(certificate, key, "/CN=broker", names, ca, ca_key)
    chain = directory / "broker.pem"
    chain.write_bytes(b"".join(path.read_bytes() for path in (key, certificate, ca)))
    client_key, client = directory / "client.key", directory / "client.pem"
    _make(client, client_key, "/CN=collector", "extendedKeyUsage=clientAuth", ca, ca_key)
    return Certificates(ca, chain, client_key, client)


def _make(
    certificate: Path,
    key: Path,
    subject: str,
    extension: str,
    ca: Path | None = None,
    ca_key: Path | None = None,
) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "30", "-subj", subject, "-addext", extension]
    command += ["-keyout", str(key), "-out", str(certificate)]
    if ca and ca_key:
        # Without this the default configuration makes every certificate an authority's.
        command += ["-addext", "basicConstraints=critical,CA:FALSE"]
        command += ["-CA", str(ca), "-CAkey", str(ca_key)]
    subprocess.run(command, check=True, capture_output=True)
