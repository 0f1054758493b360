"""The stock OpenLineage client, with only its URL and API key set."""

import pytest

from lifecycle.models import LineageEvent, Run
from lifecycle.services.tokens import issue_token
from tests import make
from tests.interop.peer import peer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SEND = """
import sys
from openlineage.client import OpenLineageClient
from openlineage.client import facet_v2 as f
from openlineage.client.event_v2 import (
    DatasetEvent, InputDataset, Job, JobEvent, OutputDataset, Run, RunEvent, RunState, StaticDataset,
)

RUN, PARENT = "0192c8a4-0000-7000-8000-000000000001", "0192c8a4-0000-7000-8000-000000000002"
client = OpenLineageClient()
job = Job("shop", "train model", facets={
    "ownership": f.ownership_job.OwnershipJobFacet(owners=[f.ownership_job.Owner(name="team:ml")]),
    "sourceCodeLocation": f.source_code_location_job.SourceCodeLocationJobFacet(
        type="git", url="https://git.example/x", version="abc"),
})
parent = f.parent_run.ParentRunFacet(
    run=f.parent_run.Run(runId=PARENT), job=f.parent_run.Job(namespace="shop", name="nightly"))
run = Run(RUN, facets={
    "parent": parent,
    "test": f.test_run.TestRunFacet(tests=[f.test_run.TestExecution(name="unique", status="pass")]),
})
orders = InputDataset("db", "orders", facets={
    "version": f.dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion="7"),
}, inputFacets={
    "dataQualityMetrics": f.data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
        columnMetrics={"id": f.data_quality_metrics_input_dataset.ColumnMetrics(nullCount=3)}, rowCount=100),
    "dataQualityAssertions": f.data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        assertions=[f.data_quality_assertions_dataset.Assertion("not_null", True, "id")]),
})
events = [
    RunEvent(eventType=RunState.START, eventTime="2026-01-02T10:00:00Z", run=run, job=job, producer="p",
             inputs=[orders]),
    RunEvent(eventType=RunState.COMPLETE, eventTime="2026-01-02T10:05:00Z", run=run, job=job, producer="p",
             outputs=[OutputDataset("s3", "model")]),
    JobEvent(eventTime="2026-01-02T10:00:00Z", job=job, producer="p"),
    DatasetEvent(eventTime="2026-01-02T10:00:00Z", dataset=StaticDataset("db", "orders"), producer="p"),
]
for event in reversed(events) if sys.argv[1] == "backwards" else events:
    client.emit(event)
"""


@pytest.mark.parametrize("compression", ["", "gzip"])
def test_the_stock_client_needs_its_url_and_key_only(live_server, compression):
    project = make.small_project()
    person = make.member(project)
    _, key = issue_token(
        user=person, name="etl", scope="intake", days=9, actor=person, project=project
    )  # fmt: skip
    settings = {"OPENLINEAGE_URL": live_server.url, "OPENLINEAGE_API_KEY": key}
    if compression:
        settings = {
            "OPENLINEAGE__TRANSPORT__TYPE": "http", "OPENLINEAGE__TRANSPORT__URL": live_server.url,
            "OPENLINEAGE__TRANSPORT__COMPRESSION": "gzip",
            "OPENLINEAGE__TRANSPORT__AUTH": f'{{"type": "api_key", "apiKey": "{key}"}}',
        }  # fmt: skip

    peer(SEND, "backwards", **settings)
    backwards = Run.objects.get().content_digest
    peer(SEND, "forwards", **settings)

    run = Run.objects.get()
    assert run.content_digest == backwards
    assert (run.kind, run.state, run.title) == ("TRN", "finished", "train model")
    assert run.parent_external_id == "0192c8a4-0000-7000-8000-000000000002"
    assert run.record["owners"] == ["team:ml"]
    assert run.record["code"]["commit"] == "abc"
    [orders] = run.record["inputs"]
    assert (orders["version"], orders["rows"], orders["checks"][0]["status"]) == ("7", 100, "pass")
    assert LineageEvent.objects.count() == 4
