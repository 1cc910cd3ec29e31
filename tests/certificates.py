"""Certificates for tests, and the certificate authority that issues them."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import trustme


@cache
def authority() -> trustme.CA:
    return trustme.CA()


def certified(*names: str, by: trustme.CA | None = None) -> ssl.SSLContext:
    """Return a TLS context for a server with these host names.

    Args:
        names: Host names and IP addresses.
        by: The authority that issues the certificate. None: the authority of the tests.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (by or authority()).issue_cert(*names).configure_cert(context)
    return context


@contextmanager
def authority_file(ca: trustme.CA | None = None) -> Iterator[str]:
    """Write the certificate of an authority to a temporary file, and yield its path."""
    with (ca or authority()).cert_pem.tempfile() as path:
        yield path


def certificate_files(directory: Path, *names: str) -> tuple[str, str]:
    """Write the certificate and the key of a server to a directory, and return their paths."""
    issued = authority().issue_cert(*names)
    certificate, key = directory / "server.pem", directory / "server.key"
    for part in issued.cert_chain_pems:
        part.write_to_path(certificate, append=True)
    issued.private_key_pem.write_to_path(key)
    return str(certificate), str(key)
