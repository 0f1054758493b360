"""An application that reads what it is told to, behind what the real one stands behind."""

from config.bodies import WholeBodies


def read_some(environ, start_response):
    wanted = int(environ["QUERY_STRING"] or 0)
    body = environ["wsgi.input"].read(min(wanted, int(environ.get("CONTENT_LENGTH") or 0)))
    start_response("413 Too Large" if not wanted else "200 OK", [("Content-Type", "text/plain")])
    return [str(len(body)).encode()]


application = WholeBodies(read_some, most=1_000)
