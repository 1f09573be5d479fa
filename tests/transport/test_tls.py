from __future__ import annotations

import contextlib
import gc
import json
import os
import select
import socket
import ssl
import struct
import subprocess
import sys

import pytest

from argus.transport.patience import Patience
from argus.transport.stream import Stream
from argus.transport.tls import TlsStream, tls_context
from tests.platform.peers import CA_FILE, StandIn
from tests.platform.subprocesses import ROOT
from tests.transport.exchanges import (
    SHORT_S,
    TIMEOUT_S,
    batch,
    ends_after,
    failure_of,
    nothing_meanwhile,
    reply_of,
    send,
)


def patience(timeout_s: float = TIMEOUT_S) -> Patience:
    return Patience(timeout_s, nothing_meanwhile)


@pytest.fixture
def pair():
    """A stream, and the socket at its other end."""
    near, far = socket.socketpair()
    far.settimeout(TIMEOUT_S)
    yield Stream(near, patience()), far
    near.close()
    far.close()


@pytest.fixture(scope="module")
def trusting() -> ssl.SSLContext:
    return tls_context((CA_FILE,), pytest.fail)


def shake_hands(stream: Stream, context: ssl.SSLContext) -> None:
    encrypted = TlsStream(stream, context, "localhost")
    with contextlib.closing(encrypted):
        encrypted.shake_hands()


# Agreeing on keys


def test_a_handshake_with_one_who_is_silent_ends_in_time(pair, trusting):
    stream, _ = pair
    stream.patience = patience(SHORT_S)
    with ends_after(SHORT_S), pytest.raises(TimeoutError):
        shake_hands(stream, trusting)


def test_a_handshake_with_one_who_speaks_no_tls_is_an_ssl_error(pair, trusting):
    stream, far = pair
    far.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    with pytest.raises(ssl.SSLError, match="WRONG_VERSION_NUMBER"):
        shake_hands(stream, trusting)


def test_a_handshake_with_one_who_hangs_up_is_an_os_error(pair, trusting):
    stream, far = pair
    far.close()
    with pytest.raises((ConnectionError, ssl.SSLError)):
        shake_hands(stream, trusting)


def reset_stream() -> Stream:
    """A stream whose other side has reset the connection."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = socket.create_connection(listener.getsockname(), TIMEOUT_S)
        far, _ = listener.accept()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    far.close()
    select.select([near], [], [], TIMEOUT_S)
    return Stream(near, patience())


def encrypt_in_vain(stream: Stream, context: ssl.SSLContext, host: str) -> type[Exception]:
    """As a client does. What it fails of, without the frames."""
    try:
        stream = TlsStream(stream, context, host)
        stream.shake_hands()
    except Exception as error:
        stream.close()
        return type(error)
    pytest.fail("there was a handshake")


@pytest.mark.skipif(os.name == "nt", reason="lingering of POSIX")
@pytest.mark.filterwarnings("always::ResourceWarning")
def test_no_socket_is_left_open_by_who_resets_before_tls_begins(trusting, recwarn):
    assert encrypt_in_vain(reset_stream(), trusting, "localhost") is ConnectionResetError
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.filterwarnings("always::ResourceWarning")
def test_no_socket_is_left_open_by_a_name_that_no_certificate_can_have(pair, trusting, recwarn):
    stream, _ = pair
    assert issubclass(encrypt_in_vain(stream, trusting, f"{'a' * 64}.org"), ValueError)
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


def test_a_client_tells_what_the_other_side_has_proved_to_be(connect, tls_platform: StandIn):
    client = connect(tls_platform.url, ca_bundles=(CA_FILE,))
    assert client.certificate() == {}
    reply_of(send(client))
    assert set(client.certificate()) >= {"subject", "issuer", "notAfter"}
    client.close()
    assert client.certificate() == {}


# Whom to trust


def test_a_platform_with_a_trusted_certificate_is_spoken_to(
    connect, complaints, tls_platform: StandIn
):
    client = connect(tls_platform.url, [CA_FILE])
    assert [reply_of(send(client)).status for _ in range(3)] == [200] * 3
    assert tls_platform.stats()["connections"] == 1
    assert complaints == []


def test_a_bundle_is_trusted_beside_the_systems_authorities():
    alone = tls_context((), pytest.fail).cert_store_stats()["x509_ca"]
    more = tls_context((CA_FILE,), pytest.fail).cert_store_stats()["x509_ca"]
    assert more == alone + 1


@pytest.mark.parametrize(
    ("tls", "ca_bundles", "reason"),
    [
        ("expired", [CA_FILE], "certificate has expired"),
        ("wrong_host", [CA_FILE], "certificate is not valid for '127.0.0.1'"),
        ("good", [], "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_a_failure_with_advice(
    connect, tls: str, ca_bundles, reason: str
):
    with StandIn(tls=tls) as platform:
        failure = failure_of(send(connect(platform.url, ca_bundles)))
        assert reason in failure.reason
        assert failure.advice is not None
        assert reason in failure.advice
        assert "ARGUS_CA_BUNDLE" in failure.advice
        assert platform.requests() == []


def test_a_ca_file_that_cannot_be_used_is_complained_about_and_the_others_are_used(
    connect, complaints, tls_platform: StandIn, tmp_path
):
    empty, missing = tmp_path / "empty.pem", tmp_path / "missing.pem"
    empty.touch()
    bundles = [str(missing), str(empty), CA_FILE]
    assert reply_of(send(connect(tls_platform.url, bundles))).status == 200
    assert len(complaints) == 2
    assert f"the CA file {missing} cannot be used" in complaints[0]


def test_old_versions_of_tls_are_not_spoken():
    context = tls_context((), pytest.fail)
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED


def test_ssl_cert_file_is_honoured(tls_platform: StandIn):
    script = """
import json, sys
from argus.transport.address import EVENTS_PATH, Address
from argus.transport.client import HttpClient
from argus.transport.tls import tls_context

trust = lambda: tls_context((), print)
client = HttpClient(Address.parse(sys.argv[1]), None, trust, print, lambda _: None)
answer = client.request("POST", EVENTS_PATH, sys.stdin.buffer.read(), 10.0)
print(json.dumps(answer[0]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tls_platform.url],
        cwd=ROOT,
        env={**os.environ, "SSL_CERT_FILE": CA_FILE},
        input=batch(),
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == 200
