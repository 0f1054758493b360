"""Which second factors a person has."""

from __future__ import annotations

from dataclasses import dataclass, field

from allauth.mfa.models import Authenticator

from lifecycle.models import User


@dataclass
class Factors:
    """A person's second factors. Recovery codes stand in for one, and are none by themselves."""

    totp: Authenticator | None = None
    keys: list[Authenticator] = field(default_factory=list)
    codes: Authenticator | None = None

    @property
    def enrolled(self) -> bool:
        return self.totp is not None or bool(self.keys)

    @property
    def codes_left(self) -> int:
        """How many recovery codes are unused."""
        return len(self.codes.wrap().get_unused_codes()) if self.codes else 0


def factors_of(person: User) -> Factors:
    """The person's second factors. 1 query."""
    found = Factors()
    for each in Authenticator.objects.filter(user=person).order_by("pk"):
        if each.type == Authenticator.Type.TOTP:
            found.totp = each
        elif each.type == Authenticator.Type.WEBAUTHN:
            found.keys.append(each)
        else:
            found.codes = each
    return found
