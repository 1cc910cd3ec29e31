"""The address, the certificate and the end of commands that serve until a signal stops them."""

from __future__ import annotations

import asyncio
import signal
import ssl
from ipaddress import ip_address
from typing import Final

import click

from rxpump.cli.decorators import Decorator
from rxpump.server import load_certificate

_FILE: Final = click.Path(exists=True, dir_okay=False)

tls_cert_option: Decorator = click.option(
    "--tls-cert", type=_FILE, help="File with the certificate (PEM) for TLS. Default: connections are not encrypted."
)
tls_key_option: Decorator = click.option(
    "--tls-key", type=_FILE, help="File with the private key. Default: the file of --tls-cert."
)

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
"""Signals. The first one stops the server and closes its store; the second one ends the process at once."""


def stop_requested() -> asyncio.Event:
    """Return an event that is set by the first stop signal. The second signal has its default effect."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal() -> None:
        stop.set()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    return stop


def is_loopback(host: str) -> bool:
    """Return whether a server that listens on a host can be reached from this machine only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def certificate(certificate: str | None, key: str | None) -> ssl.SSLContext | None:
    """Return the certificate of a server, from the values of the options; None if connections are not encrypted.

    Raises:
        UsageError: A key is given without a certificate.
        BadCertificate: A file cannot be read, or the certificate and the key do not fit each other.
    """
    if certificate is None and key is not None:
        raise click.UsageError("--tls-key needs --tls-cert")
    return None if certificate is None else load_certificate(certificate, key)
