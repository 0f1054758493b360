"""Batches of runs from outside, for the view of `/api/v1/runs/`."""

from typing import Annotated, Any

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from lifecycle.api.asking import person_asking
from lifecycle.api.intake import project_of
from lifecycle.errors import Invalid
from lifecycle.intake.canonical import canonical
from lifecycle.intake.outside_run import OutsideRun
from lifecycle.intake.reading import read_as, read_runs
from lifecycle.services.idempotency import once
from lifecycle.services.run_intake import MOST_RUNS, Intake, upsert_runs


class RunBatchIn(BaseModel):
    """Runs that happened elsewhere; each is everything that is to be known of it."""

    model_config = ConfigDict(extra="forbid")

    project: str = Field(default="", max_length=60, description="may be left out if the token is for one")
    source: str = Field(default="api", pattern=r"^[a-z0-9][a-z0-9:._-]{0,39}$")
    runs: Annotated[list[OutsideRun], Field(min_length=1, max_length=MOST_RUNS)]


class _Envelope(BaseModel):
    """The batch around its runs, which are read one by one so that each wrong place is named."""

    model_config = ConfigDict(extra="forbid", strict=True)

    project: str = ""
    source: str = "api"
    runs: list[Any] = Field(min_length=1)


class KeptOut(serializers.Serializer[Any]):
    """What became of one run."""

    external_id = serializers.CharField()
    id = serializers.IntegerField()
    outcome = serializers.ChoiceField(choices=["created", "updated", "changed", "unchanged"])
    digest = serializers.CharField(help_text="SHA-256 of its content")
    before = serializers.CharField(required=False, help_text="SHA-256 of its content until now")


class RunBatchOut(serializers.Serializer[Any]):
    """What became of a batch, in the order in which it was sent."""

    batch = serializers.IntegerField(allow_null=True, help_text="null if nothing was new")
    root = serializers.CharField(  # type: ignore[assignment]
        allow_null=True, help_text="root over the batch, as the ledger holds it"
    )
    counts = serializers.DictField(child=serializers.IntegerField())
    runs = KeptOut(many=True)


def keep_batch(request: Request) -> Response:
    """Record the batch in the body of a request."""
    body = request.data
    if not isinstance(body, dict):
        raise Invalid("not_an_object", _("The body is a JSON object with “runs”."))
    envelope = read_as(_Envelope, body)
    if len(envelope.runs) > MOST_RUNS:
        text = _("A batch has at most %(most)d runs.") % {"most": MOST_RUNS}
        raise Invalid("too_many_runs", text, "/runs")
    project, person = project_of(request, envelope.project), person_asking(request)
    runs = read_runs(envelope.runs)

    def work() -> dict[str, Any]:
        return answer_of(
            upsert_runs(project=project, source=envelope.source, runs=runs, actor=person)
        )  # fmt: skip

    key = request.headers.get("Idempotency-Key", "").strip()
    asked = canonical([project.slug, body]) if key else b""
    return Response(once(user=person, key=key, request=asked, work=work))


def answer_of(done: Intake) -> dict[str, Any]:
    """What became of a batch, as the API says it."""
    return {
        "batch": done.batch.pk if done.batch else None,
        "root": done.batch.root if done.batch else None,
        "counts": done.counts,
        "runs": [
            {
                "external_id": each.external_id, "id": each.run_id, "outcome": each.outcome,
                "digest": each.digest, **({"before": each.before} if each.before else {}),
            }
            for each in done.kept
        ],
    }  # fmt: skip
