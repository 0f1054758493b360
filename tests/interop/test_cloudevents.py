"""The CloudEvents SDK's own requests in its two modes, and batches."""

import pytest

from lifecycle.models import Run
from lifecycle.services.tokens import issue_token
from tests import make
from tests.interop.peer import peer

pytestmark = pytest.mark.django_db

WRITE = """
import json
from cloudevents.core.v1.event import CloudEvent
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
out = []
for n, make in enumerate((to_binary_event, to_structured_event)):
    event = CloudEvent(attributes={"type": "gatebook.run", "source": "/ci", "id": f"e{n}",
        "specversion": "1.0",
        "datacontenttype": "application/json"},
        data={"external_id": f"r{n}", "kind": "TRN", "title": "T", "finished_at": "2026-01-02T10:00:00Z"})
    message = make(event)
    body = message.body if isinstance(message.body, bytes) else str(message.body).encode()
    out.append([dict(message.headers), body.decode()])
print(json.dumps(out))
"""


def test_what_the_sdk_writes_is_taken(client):
    project = make.small_project()
    person = make.member(project)
    _, key = issue_token(user=person, name="ci", scope="intake", days=9, actor=person, project=project)
    for headers, body in peer(WRITE):
        named = {name.lower(): value for name, value in headers.items()}
        answer = client.post(
            "/api/v1/cloudevents/", body, content_type=named.pop("content-type"),
            headers=named | {"Authorization": f"Bearer {key}"},
        )  # fmt: skip
        assert (answer.status_code, answer.json()[0]["outcome"]) == (200, "taken"), answer.content
    assert set(Run.objects.values_list("external_id", flat=True)) == {"/ci#r0", "/ci#r1"}
