"""`./gatebook serve`: the whole product on one machine, in one terminal."""

import os
import socket
import sys
from argparse import ArgumentParser
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import CommandError, call_command
from django.core.management.base import BaseCommand

from config.static import collect
from config.supervisor import Child, Supervisor

ROLES = ["web", "worker", "beat"]
DEFAULT_BIND = "127.0.0.1:8000"
BACKLOG = 512


class Command(BaseCommand):
    """Prepares the database and the static files, then keeps web, worker and beat running until Ctrl-C."""

    help = "Serve the site with its background work; one Ctrl-C stops all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("roles", nargs="*", metavar="ROLE", help="only some of: web worker beat")
        parser.add_argument(
            "--bind",
            default=os.environ.get("GATEBOOK_BIND", DEFAULT_BIND),
            help=f"address and port of the site ({DEFAULT_BIND})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        roles = options["roles"] or ROLES
        if unknown := sorted(set(roles) - set(ROLES)):
            raise CommandError(f"Unknown role: {', '.join(unknown)}. There are: {', '.join(ROLES)}.")
        listening = listen(options["bind"]) if "web" in roles else None
        call_command("migrate", verbosity=0, interactive=False)
        call_command("frameworks", "load", stdout=StringIO())
        if listening and not settings.DEBUG:
            collect()
        self._close_connections()

        children = [child for child in _children(listening) if child.name in roles]
        if listening:
            self.stdout.write(f"Gatebook is at {address_for_people(listening)} - Ctrl-C stops it.")
        else:
            self.stdout.write(f"Running: {', '.join(roles)} - Ctrl-C stops it.")
        self.stdout.flush()
        code = Supervisor(children, self.stderr.write).run()
        self.stdout.write("Stopped.")
        if code:
            sys.exit(code)

    @staticmethod
    def _close_connections() -> None:
        """The supervisor itself needs no database, and a pool's threads would not survive a fork."""
        from django.db import connections  # noqa: PLC0415  # only after the settings are checked

        for connection in connections.all():
            connection.close()
            if hasattr(connection, "close_pool"):
                connection.close_pool()


def listen(bind: str) -> socket.socket:
    """The site's listening socket, opened before anything else so that a taken port is known at once.

    It is handed to gunicorn, and so stays open while gunicorn restarts.
    """
    host, _, port = bind.rpartition(":")
    if not port.isdigit():
        raise CommandError(f"--bind is {bind!r}; write an address and a port, as in {DEFAULT_BIND}.")
    host = host.strip("[]") or "127.0.0.1"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=BACKLOG)
    except (OSError, OverflowError) as error:
        raise CommandError(f"Cannot listen on {bind}: {error}. Choose another with --bind.") from error


def address_for_people(listening: socket.socket) -> str:
    """The address to open in a browser."""
    if settings.GATEBOOK_URL:
        return str(settings.GATEBOOK_URL)
    host, port = listening.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104  # compared, not bound
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _children(listening: socket.socket | None) -> list[Child]:
    scratch = settings.GATEBOOK_HOME / "tmp"
    scratch.mkdir(mode=0o700, exist_ok=True)
    # Temporary files stay with the data: the embedded broker moves each message there while it is read.
    environment = {"TMPDIR": str(scratch), "DJANGO_SETTINGS_MODULE": os.environ["DJANGO_SETTINGS_MODULE"]}
    celery = [sys.executable, "-m", "celery", "--app", "config", "--quiet"]
    children = [
        Child(
            "worker",
            [*celery, "worker", "--without-gossip", "--without-mingle", "--without-heartbeat"],
            environment=environment,
        ),
        Child("beat", [*celery, "beat"], environment=environment),
    ]
    if listening:
        fd = listening.fileno()
        gunicorn = [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "python:config.gunicorn",
            "--bind",
            f"fd://{fd}",
        ]
        web = Child(
            "web", [*gunicorn, "config.wsgi:application"], vital=True, pass_fds=[fd], environment=environment
        )
        children.insert(0, web)
    return children
