import copy
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import Invalid
from lifecycle.definitions import (
    GATE_VARIABLES,
    TRIGGER_VARIABLES,
    ProcessDocument,
    catalogue,
    cron_problem,
    difference,
    digest,
    dump_yaml,
    load_yaml,
    parse,
    plain,
    problem_of,
    problems,
    tailored,
)
from lifecycle.definitions.text import MAX_BYTES

SMALL = """\
format: gatebook-process/1
key: small
name: Small
summary: The smallest process with one of each.
roles: [{code: DS, name: Data scientist}, {code: OP, name: Operations}]
stages: [{code: MODEL, name: Model}]
phases:
- {key: P1, name: Make, purpose: Make it., starts_when: Now., ends_when: Done., gate: G1}
- {key: P2, name: Use, purpose: Use it., starts_when: Passed., ends_when: Retired.}
tasks:
- key: '1.1'
  phase: P1
  name: Train
  summary: Train it.
  stage: MODEL
  owner: DS
  proof: {provability: run, evidence: [{kind: TRN, asks: A run.}]}
- key: '1.2'
  phase: P1
  name: Test
  summary: Test it.
  owner: DS
  support: [OP]
  after: ['1.1']
  proof: {provability: run, evidence: [{kind: EVR, asks: A run.}]}
- key: '2.1'
  phase: P2
  name: Watch
  summary: Watch it.
  owner: OP
  proof: {provability: run, evidence: [{kind: MON, asks: A run.}]}
risks:
- {key: R-1, phase: P1, tasks: ['1.2'], text: It is bad., category: technical, methods: [Q-1]}
methods:
- {key: Q-1, name: Test more, text: Test it more., sources: [own]}
loops:
- {key: L-1, name: Again, from_refs: [P2], to_refs: ['1.1'], condition: It is stale.}
handoffs:
- key: H-1
  name: Model
  phase: P1
  to_phase: P2
  givers: [DS]
  takers: [OP]
  deliverables: [Model]
  criteria: [It loads]
  opens: {event: gate_passed, ref: G1}
triggers:
- key: T-1
  kind: schedule
  name: Monthly
  signal: A month is over.
  condition: event.due != ""
  cron: 0 6 1 * *
  mode: ask
  action: open_iteration
  reopens: [P1]
  fallback: Nothing.
gates:
- key: G1
  name: Good
  question: Is it good?
  between: [P1, P2]
  criteria: [{key: tested, expression: 'tasks.all(t, t.verified)', why: Untested is unknown.}]
  signatures: {required: 1, roles: [reviewer, OP], meaning: I agree.}
"""


def small(**changes):
    """The small document as plain data; `changes` maps a path such as `tasks/0/owner` to a value."""
    data = copy.deepcopy(plain(load_yaml(SMALL)))
    for path, value in changes.items():
        *way, last = [int(step) if step.isdigit() else step for step in path.split("/")]
        place = data
        for step in way:
            place = place[step]
        place[last] = value
    return data


def refusal(data):
    with pytest.raises(Invalid) as no:
        parse(data)
    return no.value


@pytest.mark.parametrize(
    ("changes", "code", "where", "words"),
    [
        ({"surprise": 1}, "shape", "surprise", "unknown field"),
        ({"tasks/0/ownr": "DS"}, "shape", "tasks[0].ownr", "unknown field"),
        ({"name": "  "}, "shape", "name", "begin or end with a space"),
        ({"name": "a\x00b"}, "shape", "name", "U+0000"),
        ({"name": "safe\u202egnp"}, "shape", "name", "U+202E"),
        ({"name": "\u200b"}, "shape", "name", "U+200B"),
        ({"name": "a\u2028b"}, "shape", "name", "U+2028"),
        ({"name": "x" * 300}, "shape", "name", "at most 200"),
        ({"tasks/0/key": 1.1}, "shape", "tasks[0].key", "put 1.1 in quotes"),
        ({"tasks/0/due_days": "5"}, "shape", "tasks[0].due_days", "whole number, not '5'"),
        ({"tasks/0/due_days": -1}, "shape", "tasks[0].due_days", "at least 0"),
        ({"tasks/0/optional": "yes"}, "shape", "tasks[0].optional", "true or false, not 'yes'"),
        ({"tasks/0/plain_step": 9}, "shape", "tasks[0].plain_step", "at most 8"),
        ({"tasks/0/proof/evidence": []}, "shape", "tasks[0].proof.evidence", "at least 1 item"),
        ({"tasks/0/proof/evidence/0/kind": "XYZ"}, "shape", "tasks[0].proof.evidence[0].kind", "'DVR'"),
        ({"risks/0/severity": 6}, "shape", "risks[0].severity", "at most 5"),
        ({"risks/0/category": "cosmic"}, "shape", "risks[0].category", "'technical'"),
        ({"format": "gatebook-process/9"}, "shape", "format", "gatebook-process/1"),
        ({"triggers/0/params": {"x": float("nan")}}, "shape", "triggers[0].params.x", "finite"),
        ({"triggers/0/params": {"x": 2**60}}, "shape", "triggers[0].params.x", "too large"),
        ({"triggers/0/params": {"x": [1]}}, "shape", "triggers[0].params.x", "text, a number"),
        ({"triggers/0/params": {"x": "a\nb"}}, "shape", "triggers[0].params.x", "one line"),
        ({"phases/0/gate": "G9"}, "unknown_reference", "phases[0].gate", "unknown gate “G9”"),
        ({"tasks/0/phase": "P9"}, "unknown_reference", "tasks[0].phase", "unknown phase “P9”"),
        ({"tasks/0/owner": "XX"}, "unknown_reference", "tasks[0].owner", "unknown role “XX”"),
        ({"tasks/0/stage": "XX"}, "unknown_reference", "tasks[0].stage", "unknown stage “XX”"),
        ({"tasks/1/support": ["OP", "XX"]}, "unknown_reference", "tasks[1].support[1]", "unknown role “XX”"),
        ({"tasks/1/after": ["9.9"]}, "unknown_reference", "tasks[1].after[0]", "unknown task “9.9”"),
        ({"tasks/1/after": ["2.1"]}, "other_phase", "tasks[1].after[0]", "belongs to phase P2"),
        ({"risks/0/phase": "P9"}, "unknown_reference", "risks[0].phase", "unknown phase “P9”"),
        ({"risks/0/phase": "P2"}, "other_phase", "risks[0].tasks[0]", "belongs to phase P1"),
        ({"risks/0/tasks": ["9"]}, "unknown_reference", "risks[0].tasks[0]", "unknown task “9”"),
        ({"risks/0/methods": ["Q-9"]}, "unknown_reference", "risks[0].methods[0]", "unknown method “Q-9”"),
        ({"loops/0/to_refs": ["P9"]}, "unknown_reference", "loops[0].to_refs[0]", "phase or task “P9”"),
        ({"loops/0/to_refs": []}, "leads_nowhere", "loops[0].to_refs", "leads nowhere"),
        ({"handoffs/0/to_phase": "P9"}, "unknown_reference", "handoffs[0].to_phase", "unknown phase “P9”"),
        ({"handoffs/0/takers": ["XX"]}, "unknown_reference", "handoffs[0].takers[0]", "unknown role “XX”"),
        (
            {"handoffs/0/opens": {"event": "trigger", "ref": "G1"}},
            "unknown_reference", "handoffs[0].opens.ref", "unknown trigger “G1”",
        ),
        ({"triggers/0/reopens": ["P9"]}, "unknown_reference", "triggers[0].reopens[0]", "phase or task"),
        ({"triggers/0/condition": "event.due >"}, "expression", "triggers[0].condition", "“T-1”: Cannot be"),
        (
            {"triggers/0/condition": "event.psi > 1.0"},
            "unknown_field", "triggers[0].condition", "“event.psi” in column 1",
        ),
        ({"triggers/0/condition": "params.x > 1"}, "unknown_field", "triggers[0].condition", "“params.x”"),
        ({"triggers/0/cron": "0 0 30 2 *"}, "cron", "triggers[0].cron", "never fires"),
        ({"triggers/0/cron": "61 * * * *"}, "cron", "triggers[0].cron", "cannot be read"),
        ({"triggers/0/cron": "* * *"}, "cron", "triggers[0].cron", "has 3"),
        ({"triggers/0/kind": "drift"}, "cron", "triggers[0].cron", "cron belongs to"),
        ({"triggers/0/timezone": "Mars/Base"}, "time_zone", "triggers[0].timezone", "Mars/Base"),
        ({"triggers/0/timezone": "../../etc/passwd"}, "time_zone", "triggers[0].timezone", "time zone"),
        ({"gates/0/between": ["P9"]}, "unknown_reference", "gates[0].between[0]", "unknown phase “P9”"),
        ({"gates/0/signatures/required": 0}, "signatures", "gates[0].signatures.required", "at least one"),
        (
            {"gates/0/signatures/roles": ["king"]},
            "unknown_reference", "gates[0].signatures.roles[0]", "unknown role “king”",
        ),
        (
            {"gates/0/criteria/0/expression": "tasks.all(t, t.verified"},
            "expression", "gates[0].criteria[0].expression", "of gate “G1”: Cannot be read in column",
        ),
        (
            {"gates/0/criteria/0/expression": "colour == 1"},
            "expression", "gates[0].criteria[0].expression", "Unknown variable “colour” in column 1",
        ),
        (
            {"methods/0/sources": ["Nobody 1999"]},
            "unknown_reference", "methods[0].sources[0]", "begins with no citation",
        ),
    ],
)  # fmt: skip
def test_a_bad_document_is_refused_and_the_place_is_named(changes, code, where, words):
    no = refusal(small(**changes))

    assert (no.code, no.where) == (code, where)
    assert words in no.text
    assert f"{where}: " in no.text


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("phases", "key"), ("tasks", "key"), ("risks", "key"), ("methods", "key"), ("loops", "key"),
        ("handoffs", "key"), ("triggers", "key"), ("gates", "key"), ("roles", "code"), ("stages", "code"),
    ],
)  # fmt: skip
def test_a_key_that_is_there_twice_is_refused(part, field):
    data = small()
    data[part].append(copy.deepcopy(data[part][0]))

    no = refusal(data)

    assert no.code == "duplicate_key"
    assert no.where == f"{part}[{len(data[part]) - 1}].{field}"


def test_a_task_may_not_have_the_key_of_a_phase():
    no = refusal(small(**{"tasks/2/key": "P1"}))

    assert (no.code, no.where) == ("duplicate_key", "tasks[2].key")


def test_a_phase_without_a_task_is_refused():
    data = small()
    del data["tasks"][2]

    assert (refusal(data).code, refusal(data).where) == ("empty_phase", "phases[1]")


@pytest.mark.parametrize(
    ("first", "second", "circle"), [(["1.2"], ["1.1"], "1.1 → 1.2 → 1.1"), (["1.1"], [], "1.1 → 1.1")]
)
def test_a_circle_in_the_order_of_tasks_is_named(first, second, circle):
    no = refusal(small(**{"tasks/0/after": first, "tasks/1/after": second}))

    assert (no.code, no.where) == ("circle", "tasks[0].after")
    assert circle in no.text


def test_a_circle_is_looked_for_in_time_that_grows_with_the_document():
    data = small()
    task = data["tasks"][1]
    layers = [[f"x{layer}.{n}" for n in range(8)] for layer in range(40)]
    for before, keys in zip([[], *layers], layers, strict=False):
        data["tasks"] += [{**task, "key": key, "after": before} for key in keys]

    assert len(parse(data).tasks) == 3 + 320


def test_every_problem_is_listed_up_to_ten():
    data = small()
    data["tasks"][0]["support"] = [f"X{number}" for number in range(12)]

    lines = refusal(data).text.splitlines()

    assert len(lines) == 11
    assert lines[-1] == "and 2 more"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "empty", "empty"),
        ("# nothing\n", "empty", "empty"),
        ("a: 1\na: 2\n", "duplicate_key", "Line 2: the key “a” is there twice"),
        ("tasks:\n- {key: a, key: b}\n", "duplicate_key", "Line 2"),
        ("a: &x [1]\n", "alias", "anchors (&x)"),
        ("a: *x\n", "alias", "aliases (*x)"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "alias", "Line 1"),
        ("a: !!python/object/apply:os.system [ls]\n", "tag", "Line 1"),
        ("a: !x 1\n", "tag", "tags"),
        ("a: 1\n---\nb: 2\n", "second_document", "second document"),
        ("1: x\n", "key_not_text", "put it in quotes"),
        ("[a]: x\n", "key_not_text", "key must be text"),
        ("a: [1\n", "not_yaml", "Line 2"),
        ("a: b: c\n", "not_yaml", "Line 1"),
        ("a: \x01\n", "not_yaml", ""),
        ("[" * 100 + "]" * 100, "too_deep", "deeper than 32"),
        ("{a: " * 5000 + "1", "too_deep", "deeper than 32"),
        ("a: " + "x" * MAX_BYTES, "too_long", "1024 KiB"),
        (b"name: \xff\xfe", "not_utf8", "byte 6"),
        ("name: \ud800", "not_utf8", "byte 6"),
        ("just words", "shape", "named fields"),
    ],
)
def test_yaml_that_is_not_safe_and_plain_is_refused(text, code, words):
    with pytest.raises(Invalid) as no:
        load_yaml(text)

    assert no.value.code == code
    assert words in no.value.text


def test_words_that_old_yaml_reads_as_something_else_stay_text():
    text = SMALL.replace("name: Small", "name: yes").replace("gate: G1}", "gate: G1, aliases: [2026-01-01]}")

    doc = load_yaml(text)

    assert (doc.name, doc.phases[0].aliases) == ("yes", ("2026-01-01",))


def test_a_name_with_right_to_left_text_and_emoji_survives():
    name = "مرحبا \u200fabc 👩\u200d🍳 🍕 é"

    doc = parse(small(name=name))

    assert load_yaml(dump_yaml(doc)).name == name


def test_writing_and_reading_give_the_same_document():
    for doc in (load_yaml(SMALL), catalogue()):
        text = dump_yaml(doc)
        assert load_yaml(text) == doc
        assert load_yaml(text.encode()) == doc
        assert dump_yaml(load_yaml(text)) == text
        assert parse(plain(doc)) == doc
        assert parse(doc.model_dump(mode="json")) == doc


one_line = st.text(
    st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=60
).map(str.strip).filter(bool)  # fmt: skip
odd_words = st.sampled_from(
    ["null", "~", "true", "No", "1e5", "1.1", "0x1f", "0o7", "12:30", ".inf", "-", "#x", "2026-01-01",
     "1_000", "=", "<<", "*a", "&a", "!x", "'", "%", "@", "`", "?", "|", ">", "{}", "[]", "+1", "1e+05",
     "- a", "a: b", '"']
)  # fmt: skip
texts = one_line | odd_words
exact = st.integers(-(2**53) + 1, 2**53 - 1)
values = st.booleans() | exact | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    name=texts,
    summary=st.lists(texts, min_size=1, max_size=3).map("\n".join).filter(lambda text: text == text.strip()),
    inputs=st.lists(texts, max_size=4),
    params=st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True), values | texts, max_size=4),
)
def test_any_words_and_numbers_survive_writing_and_reading(name, summary, inputs, params):
    changes = {"summary": summary, "tasks/0/inputs": inputs, "triggers/0/params": params}
    doc = parse(small(name=name, **changes))

    back = load_yaml(dump_yaml(doc))

    assert back == doc
    assert digest(back) == digest(doc)
    assert {key: type(value) for key, value in back.triggers[0].params.items()} == {
        key: type(value) for key, value in params.items()
    }


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(keep=st.sets(st.sampled_from([task.key for task in catalogue().tasks]), min_size=1))
def test_any_part_of_the_catalogue_is_a_sound_document(keep):
    doc = tailored(catalogue(), keep_tasks=keep)

    assert {task.key for task in doc.tasks} == keep
    assert problems(doc) == []
    assert load_yaml(dump_yaml(doc)) == doc
    assert {method for risk in doc.risks for method in risk.methods} == {method.key for method in doc.methods}


def test_tailoring_bridges_the_order_over_tasks_that_are_left_out():
    doc = tailored(catalogue(), keep_tasks={"1.1", "1.5.3", "1.6"})

    assert doc.task("1.5.3").after == ("1.1",)
    assert doc.task("1.6").after == ("1.1", "1.5.3")
    assert [phase.key for phase in doc.phases] == ["P1"]
    assert [gate.key for gate in doc.gates] == ["G1"]


def test_tailoring_keeps_the_chosen_handoffs_triggers_gates_and_criteria():
    doc = tailored(
        catalogue(),
        keep_tasks={"3.5", "4.1", "6.1"},
        key="short",
        name="Short",
        keep_handoffs={"H-12"},
        keep_triggers={"T-06"},
        keep_gates={"G4"},
        drop_criteria={"G4/rerun-agrees"},
    )

    assert (doc.key, doc.name) == ("short", "Short")
    assert [part.key for part in (*doc.handoffs, *doc.triggers, *doc.gates)] == ["H-12", "T-06", "G4"]
    assert doc.trigger("T-06").reopens == ("P3",)
    assert [phase.gate for phase in doc.phases] == [None, "G4", None]
    assert "rerun-agrees" not in [criterion.key for criterion in doc.gate("G4").criteria]


def test_tailoring_drops_criteria_that_could_no_longer_be_met():
    doc = tailored(catalogue(), keep_tasks={"1.1", "1.3", "4.1", "5.5"}, keep_handoffs={"H-19"})

    first = [criterion.key for criterion in doc.gate("G1").criteria]
    live = [criterion.key for criterion in doc.gate("G5").criteria]
    assert "decision-to-go-on" in first
    assert "data-verified" not in first
    assert "monitoring-in-place" in live
    assert "authorization-handed-over" not in live
    assert "fallback-rehearsed" not in live


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep_tasks": {"9.9"}},
        {"keep_tasks": {"1.1"}, "keep_handoffs": {"H-99"}},
        {"keep_tasks": {"1.1"}, "keep_triggers": {"T-99"}},
        {"keep_tasks": {"1.1"}, "keep_gates": {"G9"}},
        {"keep_tasks": {"1.1"}, "drop_criteria": {"G4/none"}},
    ],
)
def test_tailoring_refuses_keys_that_are_not_there(wrong):
    with pytest.raises(KeyError):
        tailored(catalogue(), **wrong)


def test_the_digest_is_stable_and_does_not_depend_on_how_the_yaml_was_written():
    doc = load_yaml(SMALL)
    spaced = "# a comment\n" + SMALL.replace("name: Small\n", 'name:   "Small"\n')

    assert digest(load_yaml(spaced)) == digest(doc)
    assert digest(doc) == "abedf204f61a2533c0085b94a462dff9f60c9fbe8ec1137ecad7510e3815cf00"


def test_the_digest_does_not_change_when_a_default_is_written_out():
    written_out = small(**{"tasks/0/optional": False, "tasks/0/due_days": 14})

    assert digest(parse(written_out)) == digest(load_yaml(SMALL))


def test_the_digest_changes_with_the_order_of_tasks():
    data = small()
    data["risks"][0]["tasks"] = []
    data["tasks"].insert(0, data["tasks"].pop(2))

    assert digest(parse(data)) != digest(load_yaml(SMALL))


def test_a_document_cannot_be_changed():
    doc = load_yaml(SMALL)

    with pytest.raises(ValueError, match="frozen"):
        doc.name = "Other"
    with pytest.raises(ValueError, match="frozen"):
        doc.tasks[0].owner = "OP"


def test_parts_are_found_by_key():
    doc = load_yaml(SMALL)

    assert (doc.task("1.2").name, doc.phase("P1").gate, doc.gate("G1").name) == ("Test", "G1", "Good")
    assert (doc.risk("R-1").methods, doc.method("Q-1").name) == (("Q-1",), "Test more")
    assert (doc.handoff("H-1").to_phase, doc.trigger("T-1").cron) == ("P2", "0 6 1 * *")
    assert [risk.key for risk in doc.risks_of("1.2")] == ["R-1"]
    with pytest.raises(KeyError):
        doc.task("9.9")


def words_of(**changes):
    return [change.words for change in difference(load_yaml(SMALL), parse(small(**changes)))]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": "Large"}, "Process: name “Small” → “Large”."),
        ({"tasks/0/owner": "OP"}, "Task 1.1 “Train”: owner “DS” → “OP”."),
        ({"tasks/0/optional": True}, "Task 1.1 “Train”: optional set to yes."),
        ({"tasks/0/due_days": 3}, "Task 1.1 “Train”: due days set to 3."),
        ({"tasks/1/support": []}, "Task 1.2 “Test”: support removed “OP”."),
        ({"handoffs/0/criteria": ["It loads", "It runs"]}, "Handoff H-1 “Model”: criteria added “It runs”."),
        ({"phases/0/gate": None}, "Phase P1 “Make”: gate “G1” taken away."),
        ({"gates/0/signatures/meaning": "Yes."}, "Gate G1 “Good”: signatures meaning “I agree.” → “Yes.”."),
    ],
)
def test_a_difference_is_said_in_words(changes, words):
    assert words_of(**changes) == [words]


def test_parts_added_removed_and_moved_are_differences():
    data = small()
    data["tasks"][0], data["tasks"][2] = data["tasks"][2], data["tasks"][0]
    data["methods"].append({"key": "Q-2", "name": "Ask", "text": "Ask somebody."})
    data["loops"] = []

    found = difference(load_yaml(SMALL), parse(data))

    assert [(change.kind, change.part, change.key) for change in found] == [
        ("moved", "tasks", "2.1"),
        ("added", "methods", "Q-2"),
        ("removed", "loops", "L-1"),
    ]
    assert [change.words for change in found] == [
        "Task 2.1 “Watch” now comes before 1.1.",
        "Method Q-2 “Ask” added.",
        "Loop L-1 “Again” removed.",
    ]


def test_equal_documents_have_no_difference():
    assert difference(catalogue(), load_yaml(dump_yaml(catalogue()))) == []


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("1 +", "column 4"),
        ("tasks.all(t,\n t.verified", "line 2"),
        ("t.verified", "Unknown variable “t”"),
        ("tasks.all(t, u.verified)", "Unknown variable “u” in column 14"),
        ('"event" == event', "Unknown variable “event” in column 12"),
        ("tasks.sum() > 1", "Unknown function “sum” in column 7"),
        ("tasks.all(t, t.nope)", "Unknown field “nope” in column 16"),
        ("tasks.filter(t, t.verified).all(x, x.bad == 1)", "Unknown field “bad” in column 38"),
        ("has(risks[0].owner)", "Unknown field “owner”"),
        ("size(tasks)", "something else than true or false"),
        ('"yes"', "something else than true or false"),
        ("(" * 500 + "1" + ")" * 500, "Cannot be read"),
    ],
)
def test_an_expression_that_cannot_work_is_told_with_its_place(expression, words):
    assert words in problem_of(expression, GATE_VARIABLES)


@pytest.mark.parametrize(
    "expression",
    [
        'tasks.filter(t, t.phase == "P4" && t.mandatory).all(t, t.verified)',
        '"rmse" in metrics && metrics["rmse"] <= 3.0',
        "previous == null || size(previous.metrics) > 0",
        'slices.all(s, "n" in slices[s])',
        'evidence.exists(e, e.task.startsWith("4.") && !e.expired)',
        "risks.map(r, r.score).all(x, x < 9)",
        'scope.country.exists(c, c.matches("^[A-Z]{2}$"))',
        "has(run.rows) ? run.rows > 10 : false",
    ],
)  # fmt: skip
def test_an_expression_over_what_gates_see_has_no_problem(expression):
    assert problem_of(expression, GATE_VARIABLES) is None


def test_a_condition_sees_the_event_and_params_only():
    assert problem_of("event.share >= params.share", TRIGGER_VARIABLES) is None
    assert "Unknown variable “metrics”" in problem_of("metrics.x > 1.0", TRIGGER_VARIABLES)


@pytest.mark.parametrize("line", ["0 6 * * 1", "*/15 * * * *", "0 0 29 2 *", "0 0 1 jan *"])
def test_a_good_cron_line_has_no_problem(line):
    assert cron_problem(line) is None


@pytest.mark.parametrize("line", ["", "@reboot", "0 0 31 2 *", "a b c d e", "0 6 * * 1 7 8", "0 25 * * *"])
def test_a_bad_cron_line_has_a_problem(line):
    assert cron_problem(line)


def test_the_definitions_can_be_imported_without_any_model():
    code = "import lifecycle.definitions, sys; sys.exit('lifecycle.models' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_schema_refuses_unknown_fields_too():
    schema = ProcessDocument.model_json_schema()

    assert schema["additionalProperties"] is False
    assert all(part.get("additionalProperties", False) is False for part in schema["$defs"].values()
               if part["type"] == "object")  # fmt: skip


def test_the_example_in_the_guide_is_a_sound_document():
    guide = (Path(__file__).parents[2] / "docs" / "process-definition.md").read_text(encoding="utf-8")
    example = guide.partition("```yaml\n")[2].partition("```")[0]

    doc = load_yaml(example)

    assert load_yaml(dump_yaml(doc)) == doc
