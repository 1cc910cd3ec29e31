"""TLS between the client and the embedded server, and certificates that are refused."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

import rxpump
from rxpump.errors import CertificateRefused, ConnectionFailed, InvalidArgument
from rxpump.server import BadCertificate, EmbeddedServer, SqliteStore, embedded_server, load_certificate
from rxpump.tcp.wire import schema
from rxpump.tcp.wire.commands import Command
from rxpump.tcp.wire.package import Package
from tests.certificates import authority, authority_file, certificate_files, certified
from tests.listening import listening

GIVE_UP = rxpump.Backoff(min_delay=0.001, attempts=0)


def connect(server: EmbeddedServer, **options: Any) -> rxpump.Client:
    return rxpump.connect(server.uri, **{"reconnect": GIVE_UP, **options})


@pytest.fixture
def ca() -> Iterator[str]:
    with authority_file() as path:
        yield path


@pytest.fixture
async def server() -> AsyncIterator[EmbeddedServer]:
    async with EmbeddedServer(SqliteStore.in_memory(), tls=certified("127.0.0.1", "localhost")) as server:
        yield server


async def refusal(server: EmbeddedServer, **options: Any) -> str:
    with pytest.raises(ConnectionFailed) as caught:
        await connect(server, **options).connect()
    return caught.value.reason


async def test_a_client_that_trusts_the_authority_connects(server: EmbeddedServer, ca: str) -> None:
    assert server.uri.endswith("?tls=true")
    async with rxpump.connect(f"{server.uri}&tls_ca={ca}") as client:
        jumps = [rxpump.NewEvent("PonyJumped", data=b"x" * 20_000) for _ in range(200)]
        await client.publish("ponies", jumps)
        got = [event.data async for event in client.iter("ponies")]
        assert got == [b"x" * 20_000] * 200


async def test_closing_does_not_wait_for_the_server(server: EmbeddedServer, ca: str) -> None:
    loop = asyncio.get_running_loop()
    async with connect(server, tls_ca=ca) as client:
        await client.ping()
        began = loop.time()
    assert loop.time() - began < 0.5
    began = loop.time()
    async with connect(server, tls_ca=ca) as client:
        await client.ping()
        await server.stop()
    assert loop.time() - began < 0.9


async def test_an_unknown_authority_is_refused(server: EmbeddedServer) -> None:
    with authority_file(trustme.CA()) as other:
        assert "no trusted authority has issued it; is it in tls_ca?" in await refusal(server, tls_ca=other)
    assert "no trusted authority has issued it" in await refusal(server)


async def test_connecting_does_not_retry_a_refused_certificate(server: EmbeddedServer) -> None:
    patient = rxpump.Backoff(min_delay=3600, max_delay=3600)
    with pytest.raises(CertificateRefused) as caught:
        await connect(server, reconnect=patient).connect()
    assert (caught.value.address, caught.value.attempts) == (server.uri.partition("?")[0], 1)


async def test_reconnecting_retries_a_refused_certificate(ca: str) -> None:
    good, wrong = certified("127.0.0.1"), certified("127.0.0.1", by=trustme.CA())
    first = EmbeddedServer(SqliteStore.in_memory(), tls=good)
    await first.start()
    async with rxpump.connect(first.uri, tls_ca=ca, reconnect=rxpump.Backoff(min_delay=0.001)) as client:
        await client.ping()
        await first.stop()
        refused = asyncio.Event()
        client.status.subscribe(lambda status: refused.set() if "refused: no trusted" in str(status) else None)
        async with EmbeddedServer(SqliteStore.in_memory(), port=first.port, tls=wrong):
            await refused.wait()
        async with EmbeddedServer(SqliteStore.in_memory(), port=first.port, tls=good):
            await client.ping()


async def test_a_certificate_for_another_host_is_refused(ca: str) -> None:
    async with EmbeddedServer(SqliteStore.in_memory(), tls=certified("node.example")) as server:
        expected = "it is not for '127.0.0.1'; set tls_server_name if another name is expected"
        assert expected in await refusal(server, tls_ca=ca)
        wrong = await refusal(server, tls_ca=ca, tls_server_name="other.example")
        assert "it is not for 'other.example'" in wrong
        async with connect(server, tls_ca=ca, tls_server_name="node.example") as client:
            await client.ping()


async def test_an_expired_certificate_is_refused(ca: str) -> None:
    issued = authority().issue_cert("127.0.0.1", not_after=datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    issued.configure_cert(context)
    async with EmbeddedServer(SqliteStore.in_memory(), tls=context) as server:
        assert "certificate has expired" in await refusal(server, tls_ca=ca)


async def test_tls_verify_false_accepts_any_certificate(server: EmbeddedServer) -> None:
    async with connect(server, tls_verify=False) as client:
        await client.ping()
    async with rxpump.connect(f"{server.uri}&tls_verify=false") as client:
        await client.ping()


async def test_a_silent_server_without_tls_is_reported(memory_server: EmbeddedServer, ca: str) -> None:
    """The server reads the handshake as the start of a large frame."""
    reason = await refusal(memory_server, tls=True, tls_ca=ca, connect_timeout=0.1)
    assert "this port may not use TLS" in reason


@pytest.mark.parametrize("answer", [b"\x12\x00\x00\x00\x01" + bytes(17), b"HTTP/1.1 400 Bad Request\r\n\r\n", b""])
async def test_a_server_that_replies_without_tls_is_reported(answer: bytes, ca: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(answer)

    async with listening(serve) as endpoint:
        client = rxpump.connect(port=endpoint.port, host="127.0.0.1", tls=True, tls_ca=ca, reconnect=GIVE_UP)
        with pytest.raises(ConnectionFailed, match="TLS handshake failed"):
            await client.connect()


async def test_a_client_without_tls_is_refused(server: EmbeddedServer) -> None:
    plain = rxpump.connect(host="127.0.0.1", port=server.port, reconnect=GIVE_UP)
    with pytest.raises(ConnectionFailed):
        await plain.connect()
    assert server.client_count == 0


async def test_an_invalid_ca_file_is_refused(server: EmbeddedServer, tmp_path: Path) -> None:
    for content in (None, "no certificate"):
        path = tmp_path / "ca.pem"
        if content:
            path.write_text(content)
        with pytest.raises(InvalidArgument, match=r"tls_ca is '.*; allowed is a file with certificates in PEM"):
            await connect(server, tls_ca=str(path)).connect()


@pytest.mark.parametrize("uri", ["memory://", "sqlite:///events.db"])
def test_an_embedded_server_refuses_tls(uri: str) -> None:
    with pytest.raises(InvalidArgument, match="tls is True; allowed is False with"):
        rxpump.connect(f"{uri}?tls=true")


async def test_a_peer_without_a_handshake_is_disconnected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_server, "HANDSHAKE_TIMEOUT", 0.02)
    async with EmbeddedServer(SqliteStore.in_memory(), tls=certified("127.0.0.1")) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert await reader.read() == b""
        writer.close()
        assert server.client_count == 0


async def test_stopping_does_not_wait_for_a_handshake() -> None:
    server = EmbeddedServer(SqliteStore.in_memory(), tls=certified("127.0.0.1"))
    assert repr(server._new_session()) == "<Session, not connected yet>"
    await server.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    began = asyncio.get_running_loop().time()
    await server.stop()
    assert asyncio.get_running_loop().time() - began < 0.5
    writer.close()
    assert await reader.read() == b""


async def test_a_peer_that_does_not_read_is_disconnected(server: EmbeddedServer, ca: str) -> None:
    trusting = ssl.create_default_context(cafile=ca)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, ssl=trusting, limit=1)
    writer.write(
        Package(
            Command.SUBSCRIBE_TO_STREAM, b"a" * 16, schema.SubscribeToStream(event_stream_id="s").SerializeToString()
        ).encode()
    )
    await reader.readexactly(1)
    async with connect(server, tls_ca=ca) as client:
        while server.client_count == 2:
            await client.publish_event("s", "T", data=b"x" * 1_000_000)
    writer.transport.abort()


async def test_a_certificate_can_be_read_from_files(tmp_path: Path, ca: str) -> None:
    tls = load_certificate(*certificate_files(tmp_path, "127.0.0.1"))
    async with EmbeddedServer(SqliteStore.in_memory(), tls=tls) as server, connect(server, tls_ca=ca) as client:
        await client.ping()


def test_invalid_certificates_are_refused(tmp_path: Path) -> None:
    certificate, key = certificate_files(tmp_path, "127.0.0.1")
    with pytest.raises(BadCertificate, match=r"cannot use the certificate '.*server\.pem'"):
        load_certificate(certificate)
    with pytest.raises(BadCertificate, match="No such file"):
        load_certificate(certificate, tmp_path / "nothing")
    encrypted = tmp_path / "encrypted.key"
    encrypted.write_bytes(
        load_pem_private_key(Path(key).read_bytes(), None).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
        )
    )
    with pytest.raises(BadCertificate, match="the key is encrypted"):
        load_certificate(certificate, encrypted)
