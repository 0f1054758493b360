"""One's own second factors: an authenticator app, security keys, recovery codes."""

from __future__ import annotations

from typing import Any

import qrcode
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import generate_totp_secret
from allauth.mfa.webauthn.internal.auth import begin_registration
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from ledger.errors import Invalid, Refused
from lifecycle.forms.second_factors import KeyForm, ProofForm, RemoveForm, TotpForm
from lifecycle.models import User
from lifecycle.queries.second_factors import Factors, factors_of
from lifecycle.services import second_factors as services
from lifecycle.services.identity import prove
from lifecycle.views.acting import Tried, place, reader

SECRET = "second_factor_secret"  # noqa: S105 - the name of a session's key
_FORMS: dict[str, type[ProofForm]] = {
    "app": TotpForm, "key": KeyForm, "remove": RemoveForm, "codes": ProofForm,
}  # fmt: skip


@never_cache
@login_required
@require_safe
def second_factors(request: HttpRequest) -> HttpResponse:
    """What one has, and what one may add. 2 queries."""
    return _page(request, reader(request))


@never_cache
@sensitive_post_parameters()
@login_required
@require_POST
def act(request: HttpRequest, act: str) -> HttpResponse:
    """Add an app or a key, remove one, make new recovery codes: always with password and present factor."""
    user = reader(request)
    if act not in _FORMS:
        raise Http404
    form = _FORMS[act](request.POST, auto_id=f"id_{act}_%s", coded=factors_of(user).enrolled)
    codes: list[str] | None = None
    if form.is_valid():
        given = form.cleaned_data
        try:
            prove(actor=user, password=given["password"], code=given.get("code", ""))
            codes = _carry_out(request, user, act, given)
        except Refused as no:
            form.add_error(None, no.text)
        except Invalid as no:
            place(form, Invalid(no.code, no.text, "first_code") if no.where == "code" else no)
    if form.errors:
        page = _page(request, user, Tried(act, form))
        page.status_code = 422
        return page
    if codes is None:
        messages.success(request, _("Done. It is asked for from now on, at log-in and under signatures."))
        return redirect("lifecycle:account-factors")
    # No redirect: the codes would have to be kept somewhere until the next page.
    return _page(request, user, codes=codes)


def _carry_out(request: HttpRequest, user: User, act: str, given: dict[str, Any]) -> list[str] | None:
    """Do it; the recovery codes to show, if new ones were made."""
    first = not factors_of(user).enrolled
    if act == "app":
        secret = request.session.get(SECRET)
        if not secret:
            raise Refused("no_secret", _("The picture has changed meanwhile: take it again."))
        services.add_totp(actor=user, secret=secret, code=given["first_code"])
        del request.session[SECRET]
    elif act == "key":
        services.add_key(actor=user, name=given["name"], credential=given["credential"])
    elif act == "remove":
        factor = get_object_or_404(Authenticator, pk=given["factor"], user=user)
        services.remove_factor(actor=user, factor=factor)
        return None
    made = first or act == "codes"
    return services.make_recovery_codes(actor=user) if made else None


def _page(
    request: HttpRequest, user: User, tried: Tried | None = None, codes: list[str] | None = None
) -> HttpResponse:
    factors = factors_of(user)
    context: dict[str, Any] = {
        "factors": factors, "codes": codes, "forms": _forms(factors, tried),
        "removals": [(each, _removal(each, tried)) for each in (factors.totp, *factors.keys) if each],
    }  # fmt: skip
    if factors.totp is None:
        secret = request.session.setdefault(SECRET, generate_totp_secret())
        url = get_adapter().build_totp_url(user, secret)
        size, path = qr_path(url)
        context |= {"secret": secret, "otpauth": url, "qr_size": size, "qr_path": path}
    context["asked"] = begin_registration(user, passwordless=False)
    return render(request, "lifecycle/people/second_factors.html", context)


def _forms(factors: Factors, tried: Tried | None) -> dict[str, ProofForm]:
    made = {
        name: form(auto_id=f"id_{name}_%s", coded=factors.enrolled)
        for name, form in _FORMS.items()
        if name != "remove"
    }
    if tried is not None and tried.name in made and isinstance(tried.form, ProofForm):
        made[tried.name] = tried.form
    return made


def _removal(factor: Authenticator, tried: Tried | None) -> ProofForm:
    sent = tried.form if tried is not None and isinstance(tried.form, RemoveForm) else None
    if sent is not None and str(sent.data.get("factor")) == str(factor.pk):
        return sent
    return RemoveForm(auto_id=f"id_remove_{factor.pk}_%s", coded=True, initial={"factor": factor.pk})


def qr_path(text: str) -> tuple[int, str]:
    """A QR code as the path of an SVG, one unit a module, with the quiet zone around it: (size, path)."""
    code = qrcode.QRCode(border=4)
    code.add_data(text)
    rows = code.get_matrix()
    squares = [
        f"M{column} {line}h1v1h-1z"
        for line, row in enumerate(rows)
        for column, dark in enumerate(row)
        if dark
    ]
    return len(rows), "".join(squares)
