"""TLS of the client: trusted certificates, and descriptions of failed handshakes.

The connection uses TLS from its first byte (docs/protocol/tcp.md, section 4.12).
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.settings import Settings

CLOSING_TIMEOUT: Final = 1.0  # seconds for the shutdown of TLS

# Codes of OpenSSL (X509_V_ERR_...) for a certificate that is self-signed or whose authority is not trusted.
_UNKNOWN_AUTHORITY: Final = {18, 19, 20, 21}
# Codes of OpenSSL for a certificate that is for another host name or address.
_WRONG_NAME: Final = {62, 64}
_NOT_TLS: Final = {"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"}


def make_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context for some settings, or None for a connection without TLS.

    Raises:
        InvalidArgument: The file with trusted certificates cannot be used.
    """
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except OSError as error:  # An SSLError is an OSError.
        raise InvalidArgument("tls_ca", settings.tls_ca, f"a file with certificates in PEM ({error})") from error
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def gossip_context(settings: Settings) -> ssl.SSLContext | None:
    """Return the TLS context for requests for gossip, or None if they are made without TLS.

    Raises:
        InvalidArgument: The file with trusted certificates cannot be used.
    """
    return make_context(replace(settings, tls=True)) if settings.is_gossip_encrypted else None


def certificate_failure(error: ssl.SSLCertVerificationError, name: str) -> str:
    """Return the reason why a certificate that must contain `name` is not valid."""
    if error.verify_code in _UNKNOWN_AUTHORITY:
        why = f"no trusted authority has issued it; is it in tls_ca? ({error.verify_message})"
    elif error.verify_code in _WRONG_NAME:
        why = f"it is not for {name!r}; set tls_server_name if another name is expected ({error.verify_message})"
    else:
        why = error.verify_message
    return f"the server's certificate was refused: {why}"


def handshake_failure(error: OSError) -> str:
    """Return the reason why a handshake failed, for an error that is not about the certificate."""
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_TLS:
        return f"the TLS handshake failed: the server does not seem to use TLS on this port ({error.reason})"
    if isinstance(error, (ssl.SSLError, ConnectionResetError, ConnectionAbortedError)):
        return f"the TLS handshake failed: {error}"
    return str(error)
