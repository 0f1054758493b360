import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from config.supervisor import Child, Supervisor
from tests import migrated
from tests.patience import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable


def never(said):
    return False


def supervise(*children, until):
    """Run a supervisor whose clock for looking around also decides when to stop."""
    said = []
    supervisor = Supervisor(children, said.append)
    looked_after = supervisor._look_after

    def look_after_and_maybe_stop():
        code = looked_after()
        supervisor.stopping = until(said)
        return code

    supervisor._look_after = look_after_and_maybe_stop
    return supervisor.run(), said


def test_a_child_that_crashes_is_started_again(tmp_path):
    log = tmp_path / "starts"
    code = f"open({str(log)!r}, 'a').write('x'); raise SystemExit(3)"

    result, said = supervise(Child("worker", [PYTHON, "-c", code]), until=lambda said: len(said) == 2)

    assert result == 0
    assert log.read_text() == "xx"
    assert said[:2] == [
        "worker ended with code 3; starting it again in 1 s.",
        "worker ended with code 3; starting it again in 2 s.",
    ]


def test_a_vital_child_that_cannot_start_ends_all_with_its_code():
    steady = Child("worker", [PYTHON, "-c", "import time; time.sleep(60)"])
    broken = Child("web", [PYTHON, "-c", "raise SystemExit(4)"], vital=True)

    code, said = supervise(broken, steady, until=never)

    assert code == 4
    assert said == ["web did not start (exit code 4)."]
    assert steady.process.poll() is not None


def test_stopping_leaves_nothing_running_that_a_child_started(tmp_path):
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "time.sleep(60)"
    )

    supervise(Child("worker", [PYTHON, "-c", code]), until=lambda _: note.exists() and note.read_text())

    wait_until(lambda: not runs(int(note.read_text())))


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def serve(home, port):
    environment = {"PATH": os.environ["PATH"], "GATEBOOK_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(
        [PYTHON, "manage.py", "serve", "--bind", f"127.0.0.1:{port}"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.slow
def test_serve_answers_and_one_interrupt_stops_all_of_it(tmp_path):
    # From nothing is how the demo's test begins.
    migrated.copy_sqlite(tmp_path / "db.sqlite3")
    port = free_port()
    process = serve(tmp_path, port)
    try:
        assert answer(f"http://127.0.0.1:{port}/readyz") == b'{"status": "ok"}'
        children = children_of(process.pid)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()

    assert process.returncode == 0, output
    assert f"Gatebook is at http://127.0.0.1:{port}" in output
    assert "did not end" not in output
    assert len(children) == 3
    assert not any(runs(pid) for pid in children)


def answer(url):
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE) as response:
                return response.read()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)


def children_of(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.slow
def test_serve_says_at_once_when_the_port_is_taken(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = serve(tmp_path, port)
        output, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in output
    assert not (tmp_path / "db.sqlite3").exists()
