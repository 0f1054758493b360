"""OSCAL in and out: nothing of a catalog is lost, and what is odd is refused with its place."""

import copy
import io
import json

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from governance.compliance.catalogue import checks, frameworks
from governance.compliance.documents import parse_framework
from governance.errors import Invalid
from governance.models import ControlStanding, Framework
from governance.oscal.reading import MOST_BYTES, framework_data, read_document
from governance.oscal.writing import catalog_of
from governance.queries.oscal import KINDS
from governance.services.compliance import look_at
from governance.services.frameworks import add_framework, begin_use
from ledger.models import Entry
from tests import make
from tests.governance.oscal_given import CATALOG, profile


def taken(data, **said):
    return parse_framework(framework_data(data, find=lambda _uri: None, **said), checks())


def again(document):
    written = json.dumps(catalog_of(document, checks(), timezone.now()))
    return taken(read_document(written.encode()))


def catalog(change):
    """The catalog after a change that is made in it."""
    made = copy.deepcopy(CATALOG)
    change(made["catalog"], made["catalog"]["groups"][0]["groups"][0]["controls"][0])
    return made


def test_a_catalog_brings_groups_controls_and_what_they_say():
    found = taken(CATALOG)

    assert [(each.id, each.parent) for each in found.groups] == [("technical", ""), ("ac", "technical")]
    assert [(each.id, each.label, each.parent) for each in found.controls] == [
        ("ac-2", "AC-2", ""), ("ac-2.1", "AC-2(1)", "ac-2"), ("ac-2.10", "AC-2(10)", "ac-2"),
    ]  # fmt: skip
    assert found.control("ac-2").prose == (
        "Accounts are kept in order:\na. [roles] approve them;\nb. they end [at once | within 30 days]."
    )
    assert "ac-2_smt.b" in found.control("ac-2.10").withdrawn
    assert (found.key, found.version, found.kind) == (
        "controls-of-the-example-agency",
        "5.1.1+u4",
        "standard",
    )
    assert found.source.startswith("Example Agency")
    assert taken(CATALOG, key="ours", kind="policy").key == "ours"


@pytest.mark.parametrize("document", [*frameworks(), taken(CATALOG)], ids=lambda each: each.key)
def test_what_is_written_gives_the_same_back(document):
    assert again(document) == document


def test_everything_that_a_catalog_brought_is_written_again():
    document = taken(CATALOG)
    written = catalog_of(document, checks(), timezone.now())["catalog"]
    group = written["groups"][0]["groups"][0]
    own = {"props": None, "parts": None, "controls": None}

    assert {**group["controls"][0], **own} == {
        **CATALOG["catalog"]["groups"][0]["groups"][0]["controls"][0], **own,
    }  # fmt: skip
    assert (
        group["controls"][0]["parts"] == CATALOG["catalog"]["groups"][0]["groups"][0]["controls"][0]["parts"]
    )
    assert written["back-matter"] == CATALOG["catalog"]["back-matter"]
    assert written["metadata"]["parties"] == CATALOG["catalog"]["metadata"]["parties"]


def _itself(_catalog, control):
    control["controls"][0]["controls"] = [{"id": "ac-2", "title": "Again"}]


def _circle(_catalog, control):
    control["params"][2] = {"id": "ac-02_odp.03", "label": "{{ insert: param, ac-02_odp.02 }}"}


def _withdrawn_circle(_catalog, control):
    gone = [{"name": "status", "value": "withdrawn"}]
    control["controls"] = [
        {"id": "a", "title": "A", "props": gone, "links": [{"href": "#b", "rel": "moved-to"}]},
        {"id": "b", "title": "B", "props": gone, "links": [{"href": "#a", "rel": "moved-to"}]},
    ]


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (_itself, "loop", "control ac-2"),
        (_circle, "loop", "param ac-02_odp.02"),
        (_withdrawn_circle, "loop", "control a"),
        (lambda _c, control: control["controls"][1].update(id="ac-2.1"), "twice", "control ac-2.1"),
        (
            lambda _c, control: control["controls"][1]["links"][0].update(href="#ac-77"),
            "control_unknown", "control ac-2.10",
        ),
        (
            lambda _c, control: control["parts"][0].update(prose="{{ insert: param, none }}"),
            "param_unknown", "control ac-2",
        ),
        (lambda _c, control: control.pop("title"), "shape", "catalog.groups.0.groups.0.controls.0.title"),
        (
            lambda _c, control: control.update(id="2 ac"),
            "shape", "catalog.groups.0.groups.0.controls.0.id",
        ),
        (lambda c, _control: c["metadata"].pop("version"), "shape", "catalog.metadata.version"),
        (lambda c, _control: c.update(groups=[]), "shape", "groups"),
        (lambda c, _control: c.update(groups=[{"id": "x", "title": "X"}]), "empty", "groups"),
    ],
)  # fmt: skip
def test_an_odd_catalog_is_refused_with_its_place(change, code, where):
    with pytest.raises(Invalid) as no:
        taken(catalog(change))

    assert (no.value.code, no.value.where) == (code, where)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[" * 100_000, b'{"catalog": {}, "catalog": {}}', b"a: &x [*x]", b"\xff\xfe",
        b'{"catalog": {"uuid": NaN}}', b" " * (MOST_BYTES + 1),
    ],
    ids=["empty", "no JSON", "deep", "twice", "a loop in YAML", "no text", "NaN", "long"],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(raw):
    with pytest.raises(Invalid):
        taken(read_document(raw))


def test_only_a_catalog_or_a_profile_makes_a_framework():
    for data in ({"assessment-results": {}}, {"catalog": {}, "profile": {}}):
        with pytest.raises(Invalid) as no:
            taken(data)
        assert no.value.code == "oscal_kind"


@pytest.fixture
def held(db):
    """The catalog, held, and who may add."""
    owner = make.user(org_role="process_owner")
    return add_framework(data=CATALOG, key="agency", actor=owner), owner


AGENCY = "urn:gatebook:framework:agency:5.1.1+u4"


def test_a_profile_chooses_of_a_framework_that_is_held(held):
    _framework, owner = held
    chosen = profile({"href": AGENCY, "include-controls": [{"with-ids": ["ac-2.1"]}]})
    added = add_framework(data=chosen, actor=owner)

    assert [each.id for each in added.parsed.controls] == ["ac-2.1"]
    assert (added.key, added.kind) == ("our-baseline", "policy")
    whole = profile(
        {
            "href": AGENCY,
            "include-controls": [{"with-ids": ["ac-2"], "with-child-controls": "yes"}],
            "exclude-controls": [{"matching": [{"pattern": "*.10"}]}],
        },
        version="2",
    )
    assert [each.id for each in add_framework(data=whole, actor=owner).parsed.controls] == ["ac-2", "ac-2.1"]


@pytest.mark.parametrize(
    ("data", "code", "where"),
    [
        (
            profile({"href": AGENCY, "include-controls": [{"with-ids": ["ac-2", "ac-77"]}]}),
            "control_unknown", "profile.imports.0.include-controls.0.with-ids",
        ),
        (profile({"href": "other.json", "include-all": {}}), "import_unknown", "profile.imports.0.href"),
        (
            profile({"href": "urn:gatebook:framework:our-baseline:1", "include-all": {}}),
            "loop", "profile.imports.0.href",
        ),
        (
            profile({"href": AGENCY, "include-all": {}}, {"href": AGENCY, "include-all": {}}),
            "twice", "controls.ac-2",
        ),
        (
            profile({"href": AGENCY, "exclude-controls": [{"matching": [{"pattern": "*"}]}]}),
            "shape", "groups",
        ),
        (
            profile(
                {"href": AGENCY, "include-all": {}},
                modify={"set-parameters": [{"param-id": "ac-02_odp.01", "values": ["a week"]}]},
            ),
            "modify_not_done", "profile.modify.set-parameters",
        ),
        (
            profile({"href": AGENCY, "include-all": {}}, modify={"alters": [{"control-id": "ac-2"}]}),
            "modify_not_done", "profile.modify.alters",
        ),
    ],
)  # fmt: skip
def test_an_odd_profile_is_refused_and_changes_nothing(held, data, code, where):
    _framework, owner = held
    entries = Entry.objects.count()
    with pytest.raises(Invalid) as no:
        add_framework(data=data, actor=owner)

    assert (no.value.code, no.value.where) == (code, where)
    assert (Framework.objects.count(), Entry.objects.count()) == (1, entries)


def test_what_was_withdrawn_has_no_bearing(held):
    framework, _owner = held
    home = make.project()
    use = begin_use(project=home, framework=framework, actor=home.created_by, reason="The agency")
    look_at(project=home)

    assert dict(ControlStanding.objects.filter(use=use).values_list("control", "status")) == {
        "ac-2": "not_started", "ac-2.1": "not_started", "ac-2.10": "not_applicable",
    }  # fmt: skip
    left = KINDS["profile"](use, timezone.now())["profile"]
    assert left["imports"][0]["include-controls"] == [{"with-ids": ["ac-2", "ac-2.1"]}]
    assert left["metadata"]["props"][0]["value"] == "ac-2.10"


def test_the_command_adds_and_exports(held, tmp_path):
    framework, owner = held
    home = make.project()
    begin_use(project=home, framework=framework, actor=home.created_by, reason="The agency")
    file = tmp_path / "catalog.json"
    file.write_text(json.dumps({"catalog": {**CATALOG["catalog"]}}).replace("5.1.1+u4", "6"))
    add = ["frameworks", "add", str(file), "--key", "agency", "--as"]
    call_command(*add, owner.username, stdout=io.StringIO())
    assert Framework.objects.get(key="agency", current=True).version == "6"

    for kind in KINDS:
        said = io.StringIO()
        call_command("frameworks", "export", "agency", "--project", home.slug, "--oscal", kind, stdout=said)
        assert list(json.loads(said.getvalue())) == [kind]
    said = io.StringIO()
    call_command("frameworks", "export", "agency", "--release", "5.1.1+u4", stdout=said)
    assert taken(json.loads(said.getvalue())).version == "5.1.1+u4"
    for wrong in (["nothing"], ["agency", "--oscal", "profile"], ["agency", "--project", "nowhere"]):
        with pytest.raises(CommandError):
            call_command("frameworks", "export", *wrong, stdout=io.StringIO())
    with pytest.raises(CommandError):
        call_command(*add, home.created_by.username, stdout=io.StringIO())
