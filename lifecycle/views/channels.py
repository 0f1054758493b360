"""Where the reader is told besides page and e-mail."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from lifecycle.forms.fields import PlainForm
from lifecycle.forms.notices import ChannelForm, NewChannelForm
from lifecycle.models import Channel
from lifecycle.notices.services import NAMES, allowed
from lifecycle.queries.notices import channel_lines, channels_of
from lifecycle.services import channels as services
from lifecycle.services.notices import DEFAULT_WAYS
from lifecycle.views.acting import carry_out, reader, seen

USUAL = sorted(kind for kind, way in DEFAULT_WAYS.items() if way == "email")
"""What is ticked at first: what people are told at once."""


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def channels(request: HttpRequest) -> HttpResponse:
    """My channels, and the form for another one. 5 queries."""
    user = reader(request)
    form = NewChannelForm(request.POST or None, initial={"kinds": USUAL})

    def page() -> HttpResponse:
        lines = channel_lines(user)
        count = len(lines)
        context = {
            "lines": lines,
            "form": form,
            "title": ngettext("You are told through %d channel", "You are told through %d channels", count)
            % count
            if count
            else _("You are told in the page and by e-mail"),
            "services": sorted({NAMES[scheme] for scheme in allowed()}, key=str.casefold),
        }
        return render(request, "lifecycle/notices/channels.html", context)

    if request.method != "POST":
        return page()
    return carry_out(
        request, form, lambda given: services.add_channel(person=user, actor=user, **given),
        done=_("The channel is there. Send a test to see whether it works."), to=_list(), again=page,
    )  # fmt: skip


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def channel(request: HttpRequest, pk: int) -> HttpResponse:
    """One channel: its name and what is told there. 3 queries."""
    user = reader(request)
    found = seen(channels_of(user), pk)
    form = ChannelForm(request.POST or None, initial={"name": found.name, "kinds": found.kinds})

    def page() -> HttpResponse:
        context = {"channel": found, "form": form, "service": NAMES.get(found.service, found.service)}
        return render(request, "lifecycle/notices/channel.html", context)

    if request.method != "POST":
        return page()
    return carry_out(
        request, form, lambda given: services.change_channel(channel=found, actor=user, **given),
        done=_("The channel is changed."), to=_list(), again=page,
    )  # fmt: skip


@login_required
@require_POST
def act(request: HttpRequest, pk: int, act: str) -> HttpResponse:
    """Send a test through a channel, or remove it."""
    user = reader(request)
    found: Channel = seen(channels_of(user), pk)
    if act not in ("try", "remove"):
        raise Http404
    service = services.try_channel if act == "try" else services.remove_channel
    form = PlainForm(request.POST)

    def again() -> HttpResponse:
        context = {
            "channel": found,
            "form": ChannelForm(initial={"name": found.name, "kinds": found.kinds}),
            "service": NAMES.get(found.service, found.service),
            "refusal": " ".join(map(str, form.non_field_errors())),
        }
        return render(request, "lifecycle/notices/channel.html", context)

    done = _("A test is on its way.") if act == "try" else _("The channel is removed, its address forgotten.")
    return carry_out(
        request, form, lambda _given: service(channel=found, actor=user), done=done, to=_list(), again=again,
    )  # fmt: skip


def _list() -> str:
    return reverse("lifecycle:notice-channels")
