"""Checks a Gatebook pass where no Gatebook can be asked. Needs Python 3.9 and the package `cryptography`.

    python verify_gate.py --pass pass.json --keys keys.json --model model.skops --environment production \
        --scope country=US --status status.json

Prints the decision as JSON. Exit code 0 allows, 1 denies, 2 is a bad call. Fails closed: whatever cannot be
read, verified or compared is a "deny" with its reason.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
from datetime import datetime, timezone
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
GATE_PASS = "urn:gatebook:attestation:gate-pass:1"  # noqa: S105 - a type's name
STATUS = "urn:gatebook:attestation:authorization-status:1"
SHARE = "traffic_share"
HEX = frozenset("0123456789abcdef")


class Denied(Exception):
    """Why not, in one sentence."""


class BadCall(Exception):
    """What is wrong with the question."""


def opened(raw: str, keys: dict[str, str], predicate_type: str) -> dict[str, Any]:
    """The statement of an envelope that one of the keys has signed."""
    try:
        envelope = json.loads(raw)
        payload = base64.b64decode(envelope["payload"], validate=True)
        kind = envelope["payloadType"].encode()
        signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
        signatures = [(each.get("keyid"), base64.b64decode(each["sig"])) for each in envelope["signatures"]]
        statement = json.loads(payload)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Denied("The file is no signed pass.") from error
    if not any(_verifies(keys, key, signature, signed) for key, signature in signatures):
        raise Denied("No known key has signed this.")
    right = envelope["payloadType"] == PAYLOAD_TYPE and isinstance(statement, dict)
    if not right or statement.get("_type") != STATEMENT or statement.get("predicateType") != predicate_type:
        raise Denied("The file says something else than a pass.")
    found: dict[str, Any] = statement
    return found


def _verifies(keys: dict[str, str], key: str, signature: bytes, signed: bytes) -> bool:
    public = keys.get(key)
    if public is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _moment(text: object) -> datetime:
    return datetime.fromisoformat(str(text).replace("Z", "+00:00"))  # noqa: FURB162  # Python 3.9 knows no Z


def check(
    statement: dict[str, Any],
    *,
    digest: str,
    environment: str,
    scope: dict[str, list[str]],
    now: datetime,
    status: dict[str, Any] | None = None,
) -> None:
    """Raise Denied unless the pass covers this model, environment and scope now."""
    try:
        predicate = statement["predicate"]
        given = predicate["authorization"]
        subjects = [each["digest"].get("sha256") for each in statement["subject"]]
        issued, before, until = (_moment(predicate[name]) for name in ("issuedAt", "notBefore", "expires"))
        number, place, allowed = given["id"], given["environment"], dict(given["scope"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Denied("The pass cannot be read.") from error
    if digest not in subjects:
        raise Denied("The pass is for another model.")
    if place != environment:
        raise Denied(f"The pass is for {place}, not for {environment}.")
    if now < max(issued, before):
        raise Denied("The clock is behind: the pass was issued later than now.")
    if now >= until:
        raise Denied(f"The pass ended on {until.isoformat()}.")
    limited = set(allowed) - {SHARE}
    for key, values in scope.items():
        if key == SHARE:
            _check_share(values, allowed.get(SHARE))
            continue
        if key not in allowed and limited:
            raise Denied(f"The pass says nothing about {key}.")
        beyond = sorted(set(values) - set(allowed.get(key, values)))
        if beyond:
            raise Denied(f"{key} {', '.join(beyond)} is outside the scope of the pass.")
    if status is not None:
        _check_status(status, number, now)


def _check_share(asked: list[str], allowed: list[str] | None) -> None:
    """Shares of the traffic are percentages and compared as numbers; a pass without one is for all of it."""
    try:
        wanted = max(float(each.strip().rstrip("%")) for each in asked)
        most = 100.0 if allowed is None else max(float(str(each).strip().rstrip("%")) for each in allowed)
    except ValueError as error:
        raise Denied("A traffic share is a percentage from 0 to 100.") from error
    if not 0 <= wanted <= min(most, 100.0):
        raise Denied(f"A traffic share of {wanted:g}% is more than the {most:g}% of the pass.")


def _check_status(status: dict[str, Any], number: int, now: datetime) -> None:
    try:
        predicate = status["predicate"]
        issued, until = _moment(predicate["issuedAt"]), _moment(predicate["expires"])
        stopped = {each["authorization"]: each for each in predicate["stopped"]}
    except (KeyError, TypeError, ValueError) as error:
        raise Denied("The status list cannot be read.") from error
    if not issued <= now < until:
        raise Denied("The status list is not of today.")
    if number in stopped:
        found = stopped[number]
        raise Denied(f"The authorization is {found.get('state')}: {found.get('reason') or 'no reason given'}")


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pass", dest="envelope", required=True, help="the DSSE file")
    parser.add_argument("--keys", required=True, help="JSON of /api/v1/keys/, fetched once and kept")
    model = parser.add_mutually_exclusive_group(required=True)
    model.add_argument("--model", help="the model's file")
    model.add_argument("--model-digest", help="its SHA-256, hexadecimal")
    parser.add_argument("--environment", required=True)
    parser.add_argument("--scope", action="append", default=[], help="key=value, may be repeated")
    parser.add_argument("--status", help="the signed list of stopped authorizations")
    return parser.parse_args(given)


def _digest(options: argparse.Namespace) -> str:
    if options.model:
        found = hashlib.sha256()
        with open(options.model, "rb") as file:  # noqa: PTH123
            while chunk := file.read(1 << 20):
                found.update(chunk)
        return found.hexdigest()
    digest: str = options.model_digest.strip().lower().replace("sha256:", "", 1)
    if len(digest) != 64 or not set(digest) <= HEX:
        raise BadCall("A model digest is a SHA-256: 64 hexadecimal digits.")
    return digest


def _scope(texts: list[str]) -> dict[str, list[str]]:
    scope: dict[str, list[str]] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        if not sign or not key.strip() or not value.strip():
            raise BadCall("A scope is written key=value, such as country=US.")
        scope.setdefault(key.strip(), []).append(value.strip())
    return scope


def _read(path: str) -> str:
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        return file.read()


def main(given: list[str] | None = None, now: datetime | None = None) -> int:
    """The exit code; the decision is printed."""
    options = _arguments(given)
    try:
        digest, scope = _digest(options), _scope(options.scope)
        keys = {each["keyid"]: each["public"] for each in json.loads(_read(options.keys))["keys"]}
        raw, raw_status = _read(options.envelope), _read(options.status) if options.status else None
    except (BadCall, OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(json.dumps({"error": str(error)}) + "\n")
        return 2
    moment = now or datetime.now(timezone.utc)  # noqa: UP017  # Python 3.9 knows no UTC
    answer = {"decision": "allow", "model_digest": digest, "environment": options.environment, "scope": scope}
    try:
        status = opened(raw_status, keys, STATUS) if raw_status is not None else None
        statement = opened(raw, keys, GATE_PASS)
        check(
            statement, digest=digest, environment=options.environment, scope=scope, now=moment, status=status
        )
        answer["reason"] = "The pass covers it."
    except Denied as no:
        answer.update(decision="deny", reason=str(no))
    print(json.dumps({**answer, "checked_at": moment.isoformat()}, indent=2))  # noqa: T201
    return 0 if answer["decision"] == "allow" else 1


if __name__ == "__main__":
    sys.exit(main())
