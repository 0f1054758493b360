"""The client for requests to other systems, against servers that listen for real."""

import datetime as dt
import gzip
import json
import re
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.outbound import (
    AllowList,
    Limits,
    OutboundError,
    Session,
    ensure_permitted,
    ensure_web_address,
    fetch,
)
from lifecycle.outbound.addresses import permitted
from tests.patience import wait_until

NOTHING = AllowList()


class Answers(BaseHTTPRequestHandler):
    """Says at each path what a friendly or hostile server might."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        """Say nothing."""

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers.items()), self.client_address))
        path, _, more = self.path.partition("?")
        getattr(self, "at_" + path.strip("/").replace("-", "_"), self.at_hello)(more)

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def give(self, body=b"", status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def at_hello(self, more):
        self.give(json.dumps({"hello": self.path}).encode(), Content_Type="application/json")

    def at_html(self, more):
        self.give(b"<html>Sign in</html>", Content_Type="text/html; charset=utf-8")

    def at_to(self, more):
        self.give(status=302, Location=more)

    def at_round(self, more):
        self.give(status=307, Location="/round")

    def at_big(self, more):
        self.give(b"x" * 200_000)

    def at_farewell(self, more):
        self.give(b"{}")
        self.close_connection = True

    def at_endless(self, more):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        except OSError:
            self.close_connection = True

    def at_bomb(self, more):
        self.give(gzip.compress(b"\0" * 30_000_000), Content_Encoding="gzip")

    def at_broken(self, more):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"ten bytes.")
        self.close_connection = True

    def drip(self, piece):
        try:
            for _ in range(200):
                self.wfile.write(piece)
                self.wfile.flush()
                time.sleep(0.05)
        except OSError:
            self.close_connection = True

    def at_drip(self, more):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.drip(b".")

    def at_drip_headers(self, more):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self.drip(b".")

    def at_silent(self, more):
        time.sleep(1.5)


@contextmanager
def serving(context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    server.seen = []
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def server():
    with serving() as started:
        yield started


@pytest.fixture
def url(server, settings):
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.0/8"]
    server.seen.clear()
    return f"http://127.0.0.1:{server.server_port}"


def refused(code, *args, **options):
    with pytest.raises(OutboundError) as no:
        fetch(*args, **options)
    assert no.value.code == code, str(no.value)
    return str(no.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.255.255.250", "192.0.0.192", "198.18.0.1",
        "240.0.0.1", "168.63.129.16", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::a00:1",
        "2002:7f00:1::", "2002:a9fe:a9fe::", "2001:0:1:1:1:1:80ff:fffe", "2001:db8::1",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(address):
    assert not permitted(ip_address(address), NOTHING)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::"]
)
def test_a_public_address_is_permitted(address):
    assert permitted(ip_address(address), NOTHING)


def test_a_range_opens_its_addresses_also_in_their_mapped_form():
    allowed = AllowList.parse(["10.1.0.0/16", "::1"])

    assert permitted(ip_address("10.1.2.3"), allowed)
    assert permitted(ip_address("::ffff:10.1.2.3"), allowed)
    assert permitted(ip_address("::1"), allowed)
    assert not permitted(ip_address("10.2.0.1"), allowed)


def test_a_name_opens_private_addresses_but_not_those_with_credentials():
    assert permitted(ip_address("10.0.0.1"), NOTHING, named=True)
    for address in (
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "168.63.129.16",
        "fe80::1",
        "ff02::1",
        "0.0.0.0",
    ):
        assert not permitted(ip_address(address), NOTHING, named=True), address
    assert permitted(ip_address("169.254.169.254"), AllowList.parse(["169.254.169.254"]))


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:", "64:ff9b::"]))
def test_an_ipv4_address_in_an_ipv6_coat_is_judged_as_itself(address, coat):
    assert permitted(ip_address(f"{coat}{address}"), NOTHING) == permitted(address, NOTHING)


def test_the_allow_list_knows_names_and_what_lies_below_them():
    allowed = AllowList.parse(["mlflow.lan", ".Trackers.example", "localhost"])

    assert allowed.names_host("mlflow.lan")
    assert allowed.names_host("a.b.trackers.example")
    assert not allowed.names_host("trackers.example")
    assert not allowed.names_host("evil-mlflow.lan")


@pytest.mark.parametrize(
    "word", ["10.0.0.0/33", "300.1.1.1", "a b", "http://x", "x/y", "-x", "a..b", "10.1.2.3/8"]
)
def test_a_word_that_names_nothing_is_no_entry(word):
    with pytest.raises(ValueError, match=re.escape(word)):
        AllowList.parse(["10.0.0.0/8", word])


def test_loopback_is_refused_before_anything_is_sent(server):
    server.seen.clear()

    for host in ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]"):
        text = refused("refused_address", "GET", f"http://{host}:{server.server_port}/")
        assert "GATEBOOK_OUTBOUND_ALLOW" in text

    assert server.seen == []


def test_an_answer_comes_whole_with_the_hosts_name(url, server):
    answer = fetch("POST", f"{url}/echo?a=b", body=b"{}", headers={"Authorization": "Bearer x"})

    assert (answer.status, answer.json()) == (200, {"hello": "/echo?a=b"})
    headers = server.seen[0][1]
    assert headers["host"] == f"127.0.0.1:{server.server_port}"
    assert headers["authorization"] == "Bearer x"


def test_a_session_keeps_its_connection_and_looks_a_host_up_once(url, server, settings, monkeypatch):
    settings.GATEBOOK_OUTBOUND_ALLOW = ["localhost"]
    lookups, real = [], socket.getaddrinfo

    def counted(host, *args, **options):
        if host == "localhost":  # the connection to the address that came out asks too
            lookups.append(host)
        return real(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", counted)
    with Session() as session:
        for _ in range(3):
            session.request("GET", f"http://localhost:{server.server_port}/")

    assert lookups == ["localhost"]
    assert len({client for _, _, client in server.seen}) == 1
    assert server.seen[0][1]["host"] == f"localhost:{server.server_port}"


def test_a_connection_that_the_other_end_gave_up_is_closed_and_another_one_opened(url):
    with Session() as session:
        session.request("GET", f"{url}/farewell")
        (kept,) = session._open.values()
        left = kept.sock
        wait_until(lambda: not kept.is_connected)
        assert session.request("GET", f"{url}/next").json() == {"hello": "/next"}
        assert left.fileno() == -1


def test_an_answer_that_was_left_unread_does_not_become_the_next_one(url):
    with Session() as session:
        with session.stream("GET", f"{url}/big"):
            pass
        assert session.request("GET", f"{url}/next").json() == {"hello": "/next"}


def test_proxies_of_the_environment_are_not_asked(url, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    assert fetch("GET", f"{url}/").status == 200


def test_a_redirect_is_judged_anew(url, settings):
    assert fetch("GET", f"{url}/to?/hello").url == f"{url}/hello"
    refused("refused_address", "GET", f"{url}/to?http://10.1.1.1/")
    refused("bad_address", "GET", f"{url}/to?file:///etc/passwd")
    refused("redirected", "GET", f"{url}/round")
    refused("redirected", "POST", f"{url}/to?/hello", body=b"")


def test_credentials_stay_with_their_origin(url, server):
    with serving() as other:
        fetch(
            "GET",
            f"{url}/to?http://127.0.0.1:{other.server_port}/",
            headers={"Authorization": "x", "Accept": "y"},
        )

        assert "authorization" in server.seen[0][1]
        assert "authorization" not in other.seen[0][1]
        assert other.seen[0][1]["accept"] == "y"


@pytest.mark.parametrize("path", ["big", "endless", "bomb"])
def test_a_long_answer_is_cut_off(url, path):
    assert "longer than 0.1 MB" in refused("too_large", "GET", f"{url}/{path}", limits=Limits(size=100_000))


@pytest.mark.parametrize("path", ["drip", "drip-headers", "silent"])
def test_a_slow_answer_is_cut_off(url, path):
    began = time.monotonic()

    refused("timed_out", "GET", f"{url}/{path}", limits=Limits(seconds=0.3))

    assert time.monotonic() - began < 5  # left alone, the server takes ten seconds


def test_what_goes_wrong_is_said_in_words(url):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "cannot be reached" in refused(
            "unreachable", "GET", f"http://127.0.0.1:{free.getsockname()[1]}/"
        )
    refused("unknown_host", "GET", "http://no-such-host.invalid/")
    refused("broken_answer", "GET", f"{url}/broken")
    with pytest.raises(OutboundError, match="text/html instead of JSON"):
        fetch("GET", f"{url}/html").json()
    refused("bad_address", "GET", f"{url}/", headers={"X": "a\r\nEvil: b"})


@pytest.mark.parametrize(
    "address",
    [
        "",
        "x",
        "ftp://x/",
        "file:///etc/passwd",
        "gopher://x",
        "http://",
        "http://u:p@x/",
        "//x/",
        "http://x:99999/",
    ],
)
def test_what_is_no_web_address_is_said_to_be_none(address):
    with pytest.raises(OutboundError) as no:
        ensure_web_address(address)
    assert no.value.code == "bad_address"


@given(st.text(max_size=40))
def test_no_text_breaks_the_address_check(text):
    with suppress(OutboundError):
        ensure_web_address(f"http://{text}")


def test_an_address_can_be_judged_without_asking_it(url, settings):
    ensure_permitted(url)
    settings.GATEBOOK_OUTBOUND_ALLOW = []
    with pytest.raises(OutboundError):
        ensure_permitted(url)


def _certificate(folder, name):
    """A certificate for one host name that signs itself; (context of the server, PEM)."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, pem.decode()


def test_tls_is_checked_against_the_name_though_the_address_is_pinned(tmp_path, settings):
    context, pem = _certificate(tmp_path, "localhost")
    settings.GATEBOOK_OUTBOUND_ALLOW = ["127.0.0.1", "::1"]
    with serving(context) as server:
        by_name, by_number = (f"https://{host}:{server.server_port}/" for host in ("localhost", "127.0.0.1"))
        refused("tls", "GET", by_name)

        settings.GATEBOOK_OUTBOUND_CA = pem

        assert fetch("GET", by_name).status == 200
        refused("tls", "GET", by_number)
        refused("redirected", "GET", by_name + f"to?http://localhost:{server.server_port}/")
