"""An authority of the tests' own, and what it certifies."""

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
    """What a server of these names serves TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (by or authority()).issue_cert(*names).configure_cert(context)
    return context


@contextmanager
def authority_file(ca: trustme.CA | None = None) -> Iterator[str]:
    """The authority's certificate as a file."""
    with (ca or authority()).cert_pem.tempfile() as path:
        yield path


def certificate_files(directory: Path, *names: str) -> tuple[str, str]:
    """A server's certificate and its key, as files."""
    issued = authority().issue_cert(*names)
    certificate, key = directory / "server.pem", directory / "server.key"
    for part in issued.cert_chain_pems:
        part.write_to_path(certificate, append=True)
    issued.private_key_pem.write_to_path(key)
    return str(certificate), str(key)
