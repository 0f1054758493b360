"""What HTTP allows and Django does not expect: bodies in chunks, and bodies that a refusal leaves unread."""

import time
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

MOST_DRAINED = 200_000_000
MOST_SECONDS = 20.0
_PIECE = 64 * 1024

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WholeBodies:
    """A WSGI application that is given bodies whole, and whose answers reach clients that are still sending.

    A body in chunks has no length, which Django takes for an empty one: it is read here, up to one byte more
    than the `most` that the application takes.

    A request that is refused before its body was read (too large, no token) would have its connection closed
    under the sender, who sees a broken pipe where the answer says what is wrong. Up to 200 MB or 20 seconds
    are read and thrown away; a body that goes on after that is cut off.
    """

    def __init__(self, application: Application, *, most: int) -> None:
        self.application, self.most = application, most

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"]
        in_chunks = "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()
        if in_chunks:
            whole = body.read(self.most + 1)
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(whole), str(len(whole))
        answer = self.application(environ, start_response)
        if in_chunks or environ.get("CONTENT_LENGTH") not in (None, "", "0"):
            _drain(body)
        return answer


def _drain(body: Any) -> None:
    left, end = MOST_DRAINED, time.monotonic() + MOST_SECONDS
    try:
        while left > 0 and time.monotonic() < end:
            piece = body.read(_PIECE)
            if not piece:
                return
            left -= len(piece)
    except OSError:  # the client is gone: nobody waits for the answer
        return
