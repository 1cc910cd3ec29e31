"""TLS, as the client does it: what it trusts, and what it makes of a handshake that fails.

The socket is wrapped from its first byte on (docs/protocol/tcp.md, section 4.12).
"""

from __future__ import annotations

import ssl
from typing import Final

from rxpump.errors import InvalidArgument
from rxpump.settings import Settings

CLOSING_TIMEOUT: Final = 1.0  # seconds that the other side has to agree to the end of TLS

_UNKNOWN_AUTHORITY: Final = {18, 19, 20, 21}  # OpenSSL's X509_V_ERR_...: self-signed, or issued by who is not trusted
_WRONG_NAME: Final = {62, 64}  # hostname and address mismatch
_NOT_TLS: Final = {"WRONG_VERSION_NUMBER", "UNEXPECTED_EOF_WHILE_READING", "RECORD_LAYER_FAILURE", "UNKNOWN_PROTOCOL"}


def make_context(settings: Settings) -> ssl.SSLContext | None:
    """Make what `settings` say of TLS; None without it. Raises InvalidArgument for a CA file that is none."""
    if not settings.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=settings.tls_ca)
    except OSError as error:  # an ssl.SSLError is one
        raise InvalidArgument("tls_ca", settings.tls_ca, f"a file with certificates in PEM ({error})") from error
    if not settings.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def certificate_failure(error: ssl.SSLCertVerificationError, name: str) -> str:
    """Say what is wrong with the certificate of a server that was to be `name`."""
    if error.verify_code in _UNKNOWN_AUTHORITY:
        why = f"no trusted authority has issued it; is it in tls_ca? ({error.verify_message})"
    elif error.verify_code in _WRONG_NAME:
        why = f"it is not for {name!r}; tls_server_name says whom to expect ({error.verify_message})"
    else:
        why = error.verify_message
    return f"the server's certificate was refused: {why}"


def handshake_failure(error: OSError) -> str:
    """Say what else was wrong."""
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_TLS:
        return f"the TLS handshake failed: the server does not seem to speak TLS on this port ({error.reason})"
    if isinstance(error, (ssl.SSLError, ConnectionResetError, ConnectionAbortedError)):
        return f"the TLS handshake failed: {error}"
    return str(error)
