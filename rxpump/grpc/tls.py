"""TLS of gRPC connections, with the negotiation of HTTP/2 and certificates of users."""

from __future__ import annotations

import ssl

from rxpump.errors import InvalidArgument
from rxpump.network.tls import make_context
from rxpump.settings import Settings

HTTP2 = "h2"
"""Name of HTTP/2 in the TLS negotiation of the protocol (ALPN)."""


def make_grpc_context(
    settings: Settings, certificate_file: str | None = None, key_file: str | None = None
) -> ssl.SSLContext | None:
    """Return the TLS context for some settings, or None for connections without TLS.

    Args:
        settings: Settings of the client.
        certificate_file: File with the certificate of the user in PEM format, or None.
        key_file: File with its private key.

    Raises:
        InvalidArgument: A file cannot be used, or a certificate is given without TLS.
    """
    context = make_context(settings)
    if context is None:
        if certificate_file is not None:
            raise InvalidArgument("userCertFile", certificate_file, "none without TLS (tls=true)")
        return None
    context.set_alpn_protocols([HTTP2])
    if certificate_file is not None:
        try:
            context.load_cert_chain(certificate_file, key_file)
        except OSError as error:  # An SSLError is an OSError.
            allowed = f"a file with a certificate in PEM, with its key in {key_file!r} ({error})"
            raise InvalidArgument("userCertFile", certificate_file, allowed) from error
    return context
