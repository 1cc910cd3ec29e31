"""TLS of the embedded server: its certificate, and the time that a handshake may take."""

from __future__ import annotations

import os
import ssl
from typing import Final

from rxpump.server.errors import BadCertificate

HANDSHAKE_TIMEOUT: Final = 5.0
"""Seconds for the handshake at the start of a connection."""

CLOSING_TIMEOUT: Final = 1.0
"""Seconds for the shutdown at the end of a connection."""

_Path = str | os.PathLike[str]


def load_certificate(certificate: _Path, key: _Path | None = None) -> ssl.SSLContext:
    """Load a certificate for `EmbeddedServer(tls=...)` from files in PEM format.

    Args:
        certificate: File with the certificate of the server, followed by the intermediate certificates.
        key: File with the private key, which must not be encrypted. By default it is in the file of the
            certificate.

    Returns:
        A context for the server side of TLS.

    Raises:
        BadCertificate: A file cannot be read, or the certificate and the key do not fit each other.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def refuse_to_ask() -> str:  # Otherwise OpenSSL would ask for a password on the terminal.
        raise BadCertificate(str(certificate), str(key or certificate), "the key is encrypted")

    try:
        context.load_cert_chain(certificate, key, password=refuse_to_ask)
    except OSError as error:  # An ssl.SSLError is an OSError.
        raise BadCertificate(str(certificate), str(key or certificate), str(error)) from error
    return context
