"""The way in: password, second factor, and passwords that only their person chooses."""

from __future__ import annotations

import json
import time
from typing import Any, cast

from allauth.mfa.webauthn.internal.auth import begin_authentication
from django import forms
from django.contrib.auth import login, update_session_auth_hash
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm, SetPasswordForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from ledger.errors import Invalid, Refused
from lifecycle.forms.second_factors import CodeForm
from lifecycle.models import User
from lifecycle.queries.second_factors import factors_of
from lifecycle.services.accounts import set_own_password
from lifecycle.services.identity import prove
from lifecycle.views.acting import place

HALF_WAY = "log_in_half_way"
PATIENCE = 10 * 60
_BACKEND = "django.contrib.auth.backends.ModelBackend"


class LogIn(auth.LoginView):
    """Name and password; who has a second factor is asked for it before the session is theirs."""

    redirect_authenticated_user = True

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Log in, or remember for a while who has come half-way."""
        user = form.get_user()
        if not factors_of(user).enrolled:
            return super().form_valid(form)
        self.request.session.cycle_key()
        self.request.session[HALF_WAY] = {
            "user": user.pk, "at": time.time(), "next": self.get_success_url(),
            "hash": user.get_session_auth_hash(),
        }  # fmt: skip
        return redirect("lifecycle:login-code")


@never_cache
@sensitive_post_parameters("code", "credential")
@require_http_methods(["GET", "HEAD", "POST"])
def login_code(request: HttpRequest) -> HttpResponse:
    """The second factor of somebody whose password was right a moment ago."""
    half = request.session.get(HALF_WAY)
    user = _half_way(half)
    if half is None or user is None:
        request.session.pop(HALF_WAY, None)
        return redirect("lifecycle:login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            prove(actor=user, password=None, **form.cleaned_data)
        except Refused as no:
            form.add_error(None, no.text)
        else:
            del request.session[HALF_WAY]
            login(request, user, backend=_BACKEND)
            return HttpResponseRedirect(half["next"])
    keys = factors_of(user).keys
    context: dict[str, Any] = {"form": form, "person": user, "has_keys": bool(keys)}
    if keys:
        context["asked"] = begin_authentication(user)
    return render(request, "registration/login_code.html", context, status=422 if form.errors else 200)


def _half_way(half: dict[str, Any] | None) -> User | None:
    if half is None or time.time() - half["at"] > PATIENCE:
        return None
    user = User.objects.filter(pk=half["user"], is_active=True).first()
    same = user is not None and user.get_session_auth_hash() == half["hash"]
    return user if same else None


class _OwnPassword:
    """What both ways to a new password share: the service, and its refusals on the form."""

    request: HttpRequest

    def chosen(self, form: forms.Form, user: User, **given: Any) -> bool:
        """Whether the password was taken; if not, why not stands on the form."""
        try:
            changed = set_own_password(actor=user, new=form.cleaned_data["new_password1"], **given)
        except Invalid as no:
            place(form, no)
            return False
        if self.request.user.is_authenticated:
            update_session_auth_hash(self.request, changed)
        return True


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ChangePassword(_OwnPassword, auth.PasswordChangeView):
    """Another password, by who is logged in and knows the present one."""

    success_url = reverse_lazy("lifecycle:password-changed")

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        """Set it, or show why not."""
        user = cast("User", self.request.user)
        if self.chosen(form, user, old=form.cleaned_data["old_password"]):
            return HttpResponseRedirect(str(self.success_url))
        return self.form_invalid(form)


@method_decorator(sensitive_post_parameters(), name="dispatch")
class ChoosePassword(_OwnPassword, auth.PasswordResetConfirmView):
    """A password by the link of an e-mail: the link proves the person, and is good once."""

    success_url = reverse_lazy("lifecycle:password-changed")
    template_name = "registration/choose_password.html"

    def form_valid(self, form: SetPasswordForm[User]) -> HttpResponse:
        """Set it, or show why not."""
        if self.chosen(form, form.user):
            self.request.session.pop(auth.INTERNAL_RESET_SESSION_TOKEN, None)
            return HttpResponseRedirect(str(self.success_url))
        return self.form_invalid(form)


def asked_of_keys(user: User) -> str:
    """What the browser asks the person's security keys, as JSON; empty for who has none."""
    return json.dumps(begin_authentication(user)) if factors_of(user).keys else ""
