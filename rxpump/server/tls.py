"""TLS, as the server does it: its certificate, and how long a client may take over a handshake."""

from __future__ import annotations

import os
import ssl
from typing import Final

from rxpump.server.errors import BadCertificate

HANDSHAKE_TIMEOUT: Final = 5.0
"""Seconds that a client has to begin."""

CLOSING_TIMEOUT: Final = 1.0
"""Seconds that a client has to agree to the end."""

_Path = str | os.PathLike[str]


def load_certificate(certificate: _Path, key: _Path | None = None) -> ssl.SSLContext:
    """Make what `EmbeddedServer(tls=...)` takes of files in PEM.

    certificate:  the server's certificate, followed by those of the authorities between it and the root.
    key:          its private key, not encrypted; by default it is looked for in the file of the certificate.

    Raises BadCertificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    def refuse_to_ask() -> str:  # OpenSSL would ask whoever sits at the terminal
        raise BadCertificate(str(certificate), str(key or certificate), "the key is encrypted")

    try:
        context.load_cert_chain(certificate, key, password=refuse_to_ask)
    except OSError as error:  # an ssl.SSLError is one
        raise BadCertificate(str(certificate), str(key or certificate), str(error)) from error
    return context
