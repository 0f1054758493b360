"""A page where anybody drops a report and reads what holds, and the verifier to take along."""

from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from reports import verify
from reports.forms.checks import CheckForm
from reports.queries.checks import Check, checked, published


@require_http_methods(["GET", "HEAD", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Without log-in: who holds the file may know whether it holds. Nothing is kept. At most 15 queries."""
    form = CheckForm(request.POST, request.FILES) if request.method == "POST" else CheckForm()
    found: Check | None = None
    if form.is_bound and form.is_valid():
        found = checked(form.cleaned_data["file"].read())
    name, keys, size = published()
    context = {"form": form, "check": found, "origin": name, "log_keys": keys, "published": size}
    return render(request, "reports/pages/check.html", context, status=422 if form.errors else 200)


@require_safe
def verifier(request: HttpRequest) -> HttpResponse:
    """The offline verifier as a file. No query, and no log-in: it says nothing of anybody."""
    answer = HttpResponse(Path(verify.__file__).read_bytes(), content_type="text/x-python; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="verify.py"'
    return answer
