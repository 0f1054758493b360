"""Which accounts are one person: by e-mail address or by the identity provider's subject."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from lifecycle.models import User

_DOTLESS = {"gmail.com", "googlemail.com"}


def normalized_email(address: str) -> str:
    """One spelling for all addresses of one mailbox; empty for none.

    Compatibility characters and letter case are folded (NFKC), the tag behind a plus sign is dropped, and so
    are the dots that Google Mail ignores. Two mailboxes of other providers that differ only so would count as
    one person: the error that costs a signature is preferred to the one that counts one twice.
    """
    folded = unicodedata.normalize("NFKC", address).strip().casefold()
    box, sign, domain = folded.rpartition("@")
    if not sign:
        return folded
    box = box.partition("+")[0] or box
    domain = domain.rstrip(".")
    if domain in _DOTLESS:
        box, domain = box.replace(".", ""), "gmail.com"
    return f"{box}@{domain}"


def identities(user: User) -> set[str]:
    """What this account shares with others of the same person, if there are any."""
    found = {f"account:{user.pk}"}
    if address := normalized_email(user.email):
        found.add(f"mail:{address}")
    if user.identity_subject:
        found.add(f"subject:{user.identity_subject}")
    return found


def same_people(users: Iterable[User], around: Iterable[User] = ()) -> list[list[User]]:
    """The accounts grouped by person; two that share an identity with a third are one person with it.

    `around` are other accounts that may be that third, and are left out of the answer.
    """
    asked = list(users)
    if around:
        of = {user.pk for user in asked}
        people = same_people([*asked, *(user for user in around if user.pk not in of)])
        found = [[user for user in accounts if user.pk in of] for accounts in people]
        return [accounts for accounts in found if accounts]
    groups: list[tuple[set[str], list[User]]] = []
    for user in asked:
        mine, accounts = identities(user), [user]
        apart = []
        for keys, others in groups:
            if keys & mine:
                mine, accounts = mine | keys, [*others, *accounts]
            else:
                apart.append((keys, others))
        groups = [*apart, (mine, accounts)]
    return [accounts for _keys, accounts in groups]
