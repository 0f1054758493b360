"""Tokens at the API's door: `Authorization: Bearer gb_…`, with a scope that no view can forget."""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from lifecycle.models import ApiToken, User
from lifecycle.services.tokens import authenticate_token

if TYPE_CHECKING:
    from drf_spectacular.openapi import AutoSchema

SCHEME = b"bearer"
READING = ("GET", "HEAD", "OPTIONS")


class TokenAuthentication(BaseAuthentication):
    """Lets the holder of a living token in, as far as its scope reaches.

    A `read` token asks, a `write` token also changes; a view may name other scopes in `required_scopes`,
    which is the only way for a `gate_check` token to anything. The scope is judged here and not in a
    permission class, since a view that sets its own permissions would drop it.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """The person and the token; None without a bearer header, 401 for a bad token, 403 for its scope."""
        words = get_authorization_header(request).split()
        if not words or words[0].lower() != SCHEME:
            return None
        token = authenticate_token(text=words[1].decode("latin-1")) if len(words) == 2 else None
        if token is None:
            raise AuthenticationFailed(_("This token is unknown, revoked or out of date."))
        if token.scope not in _scopes_for(request):
            text = _("A token with the scope “%(scope)s” does not reach this far.")
            raise PermissionDenied(text % {"scope": token.scope}, code="scope_too_narrow")
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        """What a 401 answers with, so that a client knows what to send."""
        return 'Bearer realm="gatebook"'


def _scopes_for(request: Request) -> tuple[str, ...]:
    view = (request.parser_context or {}).get("view")
    named: tuple[str, ...] | None = getattr(view, "required_scopes", None)
    if named is not None:
        return named
    return scopes(request.method)


def scopes(method: str | None, *, intake: bool = False) -> tuple[str, ...]:
    """The scopes that reach a view: to read `read` or `write`, to change `write`, and `intake` if asked."""
    if method in READING:
        return (ApiToken.Scope.WRITE.value, ApiToken.Scope.READ.value)
    return (ApiToken.Scope.WRITE.value, *((ApiToken.Scope.INTAKE.value,) if intake else ()))


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # registers itself untyped
    """How the OpenAPI document describes the tokens."""

    target_class = "lifecycle.api.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: "AutoSchema") -> dict[str, Any]:
        """A bearer token."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "gb_<prefix>_<secret>"}
