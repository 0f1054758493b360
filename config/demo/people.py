"""The people of both stories, with passwords of their own made on the first run."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

from django.conf import settings

from ledger.actors import SystemActor
from lifecycle.models import User
from lifecycle.services.users import add_person


@dataclass(frozen=True)
class Part:
    """Who somebody is in the story."""

    username: str
    name: str
    role: str
    crisp_roles: tuple[str, ...] = ()
    org_role: str = "member"
    says: str = ""


CAST = (
    Part("marta", "Marta Ibsen", "manager", ("PO",), "process_owner", "product owner, leads the project"),
    Part("noor", "Noor Haddad", "contributor", ("DA",), says="data engineer"),
    Part("ken", "Ken Watanabe", "contributor", ("DS",), says="data scientist"),
    Part("lena", "Lena Vogt", "contributor", ("ME",), says="ML engineer"),
    Part("jonas", "Jonas Lind", "contributor", ("TS",), says="independent evaluator"),
    Part("tomas", "Tomás Rey", "contributor", ("SE",), says="software engineer"),
    Part("priya", "Priya Nair", "contributor", ("OP",), says="operations"),
    Part("saskia", "Saskia de Boer", "reviewer", ("RC",), says="risk and compliance, signs"),
    Part("dario", "Dario Conti", "reviewer", ("DX",), says="domain expert, signs"),
    Part("ife", "Ife Adeyemi", "reviewer", (), says="senior data scientist, verifies work"),
    Part("otto", "Otto Berg", "", (), "administrator", "administrator, connects the trackers"),
    Part("aiko", "Aiko Mori", "auditor", (), "auditor", "reads everything, changes nothing"),
)

_FILE = "demo-logins.json"


def logins() -> dict[str, str]:
    """Passwords by user name: random, made once, kept where only the owner of the data can read them."""
    path = settings.GATEBOOK_HOME / _FILE
    made: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = [part.username for part in CAST if part.username not in made]
    if missing:
        made |= {username: "-".join(secrets.token_hex(2) for _ in range(4)) for username in missing}
        path.touch(mode=0o600)
        path.write_text(json.dumps(made, indent=2))
    return made


def gather() -> dict[str, User]:
    """The cast as accounts, opened where they are missing."""
    passwords = logins()
    people = {person.username: person for person in User.objects.filter(username__in=passwords)}
    for part in CAST:
        if part.username not in people:
            people[part.username] = add_person(
                username=part.username,
                name=part.name,
                email=f"{part.username}@pizzatron.example",
                password=passwords[part.username],
                org_role=part.org_role,
                actor=SystemActor("demo"),
            )
    return people
