"""One's own account: name and time zone, keys to the API."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from ledger.errors import Invalid, Refused
from lifecycle.forms.fields import PlainForm
from lifecycle.forms.people import ProfileForm, TokenForm
from lifecycle.models import ApiToken, User
from lifecycle.queries.people import memberships_of, projects_worked_in, tokens_of
from lifecycle.services.tokens import issue_token, revoke_token
from lifecycle.services.users import change_own_profile
from lifecycle.views.acting import carry_out, place, reader


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    """One's own name and time zone. 3 queries."""
    user = reader(request)

    def page(form: ProfileForm) -> HttpResponse:
        context = {"form": form, "memberships": memberships_of(user, user)}
        return render(request, "lifecycle/people/profile.html", context)

    if request.method != "POST":
        return page(ProfileForm(initial={"name": user.name, "time_zone": user.time_zone}))
    form = ProfileForm(request.POST)
    return carry_out(
        request, form, lambda given: change_own_profile(actor=user, **given),
        done=_("Your profile is changed."), to=reverse("lifecycle:profile"), again=lambda: page(form),
    )  # fmt: skip


@never_cache
@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: HttpRequest) -> HttpResponse:
    """One's own tokens; a new one is shown on this answer and never again. 4 queries."""
    user = reader(request)
    if request.method != "POST":
        return _tokens(request, user, TokenForm(projects=projects_worked_in(user)))
    form, secret = TokenForm(request.POST, projects=projects_worked_in(user)), ""
    if form.is_valid():
        try:
            _token, secret = issue_token(user=user, actor=user, **form.cleaned_data)
        except Refused as no:
            form.add_error(None, no.text)
        except Invalid as no:
            place(form, no)
    if not secret:
        page = _tokens(request, user, form)
        page.status_code = 422
        return page
    # No redirect: the secret would have to be kept somewhere until the next page.
    return _tokens(request, user, TokenForm(projects=projects_worked_in(user)), secret)


@login_required
@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """End one of one's own tokens."""
    user = reader(request)
    token = get_object_or_404(ApiToken, pk=pk, user=user)
    form = PlainForm(request.POST)
    return carry_out(
        request, form, lambda _given: revoke_token(token=token, actor=user), done=_("The token is revoked."),
        to=reverse("lifecycle:tokens"), again=lambda: _tokens(
            request, user, TokenForm(projects=projects_worked_in(user)), refused=form
        ),
    )  # fmt: skip


def _tokens(
    request: HttpRequest, user: User, form: TokenForm, secret: str = "", refused: PlainForm | None = None
) -> HttpResponse:
    now = timezone.now()
    rows = [(each, _state(each, now)) for each in tokens_of(user)]
    no = " ".join(map(str, refused.non_field_errors())) if refused else ""
    context = {"form": form, "rows": rows, "secret": secret, "no": no}
    return render(request, "lifecycle/people/tokens.html", context)


def _state(token: ApiToken, now: object) -> tuple[str, str]:
    """The look and the word of a token."""
    if token.revoked_at is not None:
        return "withdrawn", _("revoked")
    if token.expires_at <= now:  # type: ignore[operator]  # a datetime
        return "expired", _("expired")
    return "ok", _("good")
