"""A witness: keeps the last checkpoint of each log it knows and cosigns only what is consistent with it.

For a second party, who runs it elsewhere: `manage ledger witness`. Source: C2SP tlog-witness v1.0.0.
"""

import base64
import binascii
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ledger import notes
from ledger.merkle import VerificationError, verify_consistency
from ledger.notes import Sign, Statement, Verifier

PATH = "/add-checkpoint"
MAX_REQUEST = 64 * 1024
MAX_PROOF = 63
SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Answer:
    """What is said to the log: an HTTP status, a type and a text."""

    status: HTTPStatus
    text: str
    type: str = TEXT_TYPE


class Refusal(Exception):
    """The request is not cosigned; carries the answer that says why."""

    def __init__(self, status: HTTPStatus, text: str, type_: str = TEXT_TYPE) -> None:
        super().__init__(text)
        self.answer = Answer(status, text if text.endswith("\n") else text + "\n", type_)


@dataclass(frozen=True)
class Request:
    """An add-checkpoint request taken apart."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: str


class Kept:
    """The last checkpoint of each log, one file each. Written whole, synced, before anything is answered."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder

    def read(self, origin: str) -> Statement:
        """What was cosigned last; size 0 for a log that is new here."""
        path = self._path(origin)
        if not path.exists():
            return Statement(origin, 0, b"")
        found = json.loads(path.read_text(encoding="utf-8"))
        return Statement(origin, int(found["size"]), bytes.fromhex(found["root"]))

    def write(self, statement: Statement) -> None:
        """Keep it; returns only when the disk has it."""
        path = self._path(statement.origin)
        draft = path.with_suffix(".new")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(
                {"origin": statement.origin, "size": statement.size, "root": statement.root.hex()}, file
            )
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _path(self, origin: str) -> Path:
        name = base64.urlsafe_b64encode(origin.encode()).decode().rstrip("=")
        return self.folder / f"{name[:180]}.json"


class Cosigner:
    """Judges requests one after another. `logs` are the keys it trusts, by the name of their log."""

    def __init__(
        self,
        *,
        verifier: Verifier,
        sign: Sign,
        logs: Sequence[Verifier],
        kept: Kept,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier, self._sign, self._logs = verifier, sign, tuple(logs)
        self._kept, self._clock = kept, clock
        self._turn = threading.Lock()

    def answer(self, body: bytes) -> Answer:
        """200 with a cosignature, or why not: 400, 403, 404, 409 with the size kept here, 422."""
        try:
            request = parse_request(body)
            with self._turn:
                return self._cosign(request)
        except Refusal as no:
            return no.answer

    def _cosign(self, request: Request) -> Answer:
        note = _note_of(request)
        statement = _statement_of(note)
        keys = [each for each in self._logs if each.name == statement.origin]
        if not keys:
            raise Refusal(HTTPStatus.NOT_FOUND, "This log is not known here.")
        try:
            notes.verified_by(note, keys)
        except VerificationError as error:
            raise Refusal(HTTPStatus.FORBIDDEN, str(error)) from error
        self._judge_growth(request, statement)
        self._kept.write(statement)
        line = notes.cosign(note.text, self._verifier, self._sign, at=int(self._clock())).line
        return Answer(HTTPStatus.OK, line + "\n")

    def _judge_growth(self, request: Request, statement: Statement) -> None:
        if request.old > statement.size:
            raise Refusal(HTTPStatus.BAD_REQUEST, "The old size is larger than the checkpoint's.")
        last = self._kept.read(statement.origin)
        if request.old != last.size:
            raise Refusal(HTTPStatus.CONFLICT, str(last.size), SIZE_TYPE)
        if last.size == statement.size and last.root not in (b"", statement.root):
            raise Refusal(HTTPStatus.CONFLICT, str(last.size), SIZE_TYPE)
        if last.size == 0:
            if request.proof:
                raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "From the empty log a proof is empty.")
            return
        try:
            verify_consistency(
                old=last.size,
                new=statement.size,
                proof=request.proof,
                old_root=last.root,
                new_root=statement.root,
            )
        except VerificationError as error:
            raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from error


def request_text(*, old: int, proof: Sequence[bytes], checkpoint: str) -> str:
    """What a log sends: `old N`, the consistency proof, an empty line, the checkpoint."""
    lines = [f"old {old}", *(base64.b64encode(each).decode() for each in proof)]
    return "\n".join(lines) + "\n\n" + checkpoint


def parse_request(body: bytes) -> Request:
    """Take a request apart; `Refusal` with 400 for what is none."""
    try:
        head, gap, checkpoint = body.decode().partition("\n\n")
        first, *encoded = head.split("\n")
        proof = tuple(base64.b64decode(each, validate=True) for each in encoded)
    except (UnicodeDecodeError, binascii.Error, ValueError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, "The request can not be read.") from error
    number = first.removeprefix("old ")
    fits = first.startswith("old ") and number.isascii() and number.isdigit() and len(number) < 20
    if not gap or not fits or len(proof) > MAX_PROOF or any(len(each) != 32 for each in proof):
        raise Refusal(HTTPStatus.BAD_REQUEST, "The request has no old size, a wrong proof or no checkpoint.")
    return Request(int(number), proof, checkpoint)


def _note_of(request: Request) -> notes.Note:
    try:
        return notes.parse_note(request.checkpoint)
    except VerificationError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, str(error)) from error


def _statement_of(note: notes.Note) -> Statement:
    try:
        return notes.parse_statement(note.text)
    except VerificationError as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, str(error)) from error


def server(host: str, port: int, cosigner: Cosigner) -> ThreadingHTTPServer:
    """An HTTP server for one path, `/add-checkpoint`; a proxy before it adds TLS."""

    class Handler(BaseHTTPRequestHandler):
        server_version = "witness"
        timeout = 30

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path != PATH:
                self._say(Answer(HTTPStatus.NOT_FOUND, "There is only /add-checkpoint.\n"))
            elif not length.isdigit() or int(length) > MAX_REQUEST:
                self._say(Answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {MAX_REQUEST} bytes.\n"))
            else:
                self._say(cosigner.answer(self.rfile.read(int(length))))

        def _say(self, answer: Answer) -> None:
            body = answer.text.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
            return

    return ThreadingHTTPServer((host, port), Handler)
