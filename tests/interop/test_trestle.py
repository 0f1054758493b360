"""OSCAL through compliance-trestle, which reads it with the models of NIST's schemas and writes it again."""

import datetime as dt
import json

import pytest
from django.utils import timezone

from governance.compliance.catalogue import checks, frameworks
from governance.compliance.documents import parse_framework
from governance.models import Framework
from governance.oscal.reading import framework_data, read_document
from governance.oscal.writing import catalog_of
from governance.queries.oscal import KINDS
from governance.services.assurances import assure_control, exclude_control
from governance.services.compliance import look_at
from governance.services.frameworks import begin_use, load_frameworks
from tests import make, make_gates
from tests.governance.oscal_given import CATALOG
from tests.interop.peer import peer

pytestmark = [pytest.mark.slow]

READ = """
import json, pathlib, sys
from trestle.oscal import assessment_results, catalog, component, profile
models = {
    "catalog": catalog.Catalog, "profile": profile.Profile,
    "component-definition": component.ComponentDefinition,
    "assessment-results": assessment_results.AssessmentResults,
}
said = {}
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.json")):
    root = next(iter(json.loads(file.read_text())))
    found = models[root].oscal_read(file)
    found.oscal_write(file.with_suffix(".out.json"))
    said[file.stem] = found.metadata.title
print(json.dumps(said))
"""


def through_trestle(folder, documents):
    """What trestle wrote of each document, by its name."""
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    said = peer(READ, str(folder))
    assert set(said) == set(documents)
    return {name: read_document((folder / f"{name}.out.json").read_bytes()) for name in documents}


def taken(data):
    return parse_framework(framework_data(data, find=lambda _uri: None), checks())


def test_every_catalog_comes_back_from_trestle_as_it_was(tmp_path):
    documents = {each.key: each for each in [*frameworks(), taken(CATALOG)]}
    written = {key: catalog_of(each, checks(), timezone.now()) for key, each in documents.items()}
    back = through_trestle(tmp_path, written | {"published": CATALOG})

    assert {key: taken(back[key]) for key in documents} == documents
    assert taken(back["published"]) == taken(CATALOG)


@pytest.mark.django_db
def test_where_a_project_stands_comes_back_from_trestle_as_it_was(tmp_path):
    load_frameworks()
    given = make_gates.authorization()
    make_gates.deployment(given)
    home, today = given.project, timezone.now().date()
    use = begin_use(
        project=home,
        framework=Framework.objects.get(key="eu-ai-act"),
        actor=home.created_by,
        reason="It is the law",
    )
    exclude_control(use=use, control="aia-99", actor=home.created_by, reason="Nothing to do")
    assure_control(
        use=use, control="aia-4", actor=make.member(home, "reviewer"), password=make.PASSWORD,
        statement="All were trained in May", expires_on=today + dt.timedelta(days=30),
    )  # fmt: skip
    look_at(project=home)
    written = {kind: make_it(use, timezone.now()) for kind, make_it in KINDS.items()}
    back = through_trestle(tmp_path, written)

    assert taken(back["catalog"]) == use.framework.parsed
    for kind in ("profile", "component-definition", "assessment-results"):
        assert plain(back[kind]) == plain(written[kind])
    (result,) = back["assessment-results"]["assessment-results"]["results"]
    states = {each["target"]["status"]["state"] for each in result["findings"]}
    assert states == {"satisfied", "not-satisfied"}
    assert len(result["findings"]) == len(list(use.framework.parsed.controls)) - 1
    assert result["attestations"]


def plain(value):
    """Without how a moment is spelled: Z or +00:00."""
    return json.loads(json.dumps(value).replace('Z"', '+00:00"'))
