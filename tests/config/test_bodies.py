import socket
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ask():
    """Asks a real gunicorn; gives status and body."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        command = [
            sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--log-level", "warning",
            "--bind", f"fd://{listening.fileno()}", "--no-control-socket", "tests.config.tiny_wsgi",
        ]  # fmt: skip
        with subprocess.Popen(command, cwd=ROOT, pass_fds=[listening.fileno()]) as server:

            def post(wanted, body):
                with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
                    connection.request("POST", f"/?{wanted}", body)
                    answer = connection.getresponse()
                    return answer.status, answer.read()

            try:
                yield post
            finally:
                server.terminate()


def test_who_is_still_sending_hears_that_it_is_too_much(ask):
    assert ask(0, bytes(30_000_000)) == (413, b"0")


def test_a_body_in_chunks_is_given_whole(ask):
    assert ask(5_000, (b"x" * 100 for _ in range(7))) == (200, b"700")


def test_a_body_in_chunks_is_read_up_to_a_byte_too_many(ask):
    assert ask(5_000, (b"x" * 100_000 for _ in range(100))) == (200, b"1001")
