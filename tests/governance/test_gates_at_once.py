"""Sixteen people sign, take back and change evidence at once: it comes out as if they had queued up.

What they did is done again, one after the other in the order of the ledger, in a second project made like the
first. Every step must succeed again, and the same entries must come of it: decisions, authorizations and what
became stale.
"""

import random
from collections import Counter

import pytest
import rfc8785
from django.core.exceptions import PermissionDenied

from governance.models import Authorization, Gate, Signoff
from governance.queries.gate_checks import gate_check
from governance.services.findings import open_finding
from governance.services.gates import evaluate_gate, open_gate, withdraw_gate
from governance.services.signoffs import sign_gate
from ledger.errors import Invalid, Refused
from ledger.models import Entry
from ledger.verification import verify
from lifecycle.models import Evidence, User
from lifecycle.services.evidence import attach_evidence, expire_evidence
from tests import make
from tests.governance.gate_walk import document
from tests.ledger.test_concurrency import run_writers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_only]

PEOPLE, TURNS = 16, 8
# What people do of themselves; all other entries follow from it.
OWN = {"gate.opened", "gate.evaluated", "gate.signed", "gate.withdrawn", "evidence.attached",
       "evidence.expired", "finding.opened"}  # fmt: skip


class Scene:
    """A project with ten reviewers and six who work, and one measured model."""

    def __init__(self, name):
        self.name = name
        manager = make.user(f"{name}-0", email=f"{name}-0@example.org")
        self.project = make.project(manager, document())
        self.iteration = make.iteration(self.project)
        self.task = make.task(make.phase(self.iteration, "P1", "in_review"), "1.1", "instantiated",
                              owner=make.member(self.project))  # fmt: skip
        self.model = make.model_version(self.project)
        make.requirement(self.project, gate="G1", key="accuracy")
        self.people = [manager]
        for number in range(1, PEOPLE):
            person = make.user(f"{name}-{number}", email=f"{name}-{number}@example.org")
            role = "reviewer" if number < 11 else "contributor"
            self.people.append(make.member(self.project, role, "DS", user=person))
        self.ask()
        self.attach(self.people[15])

    def ask(self):
        return open_gate(iteration=self.iteration, key="G1", actor=self.people[0], model_version=self.model,
                         environment="production")  # fmt: skip

    def gate(self):
        return Gate.objects.filter(iteration=self.iteration).order_by("-pk")[0]

    def attach(self, actor):
        record = {"metrics": {"accuracy": 0.95}, "number": make.number()}
        run = make.run(self.project, "EVR", model_version=self.model, record=record)
        content = rfc8785.dumps({"record": record}).decode()
        snapshot = make.snapshot(self.project, "EVR", run=run, content=content)
        return attach_evidence(task=self.task, snapshot=snapshot, actor=actor)

    def look(self, gate, actor):
        return evaluate_gate(gate=gate, actor=actor)

    def sign(self, gate, actor, digest, decision):
        return sign_gate(gate=gate, actor=actor, password=make.PASSWORD, decision=decision, digest=digest,
                         meaning="approval", comment="So be it")  # fmt: skip

    def find(self, actor):
        return open_finding(project=self.project, title="Odd", severity="low", holds=False, actor=actor)

    def entries(self):
        found = Entry.objects.filter(project=self.project.slug).select_related("payload").order_by("index")
        return list(found)

    def evidence(self):
        return Evidence.objects.filter(task=self.task).order_by("pk")

    def story(self):
        """Who did what, in order, without the names of one scene."""
        people = {each.actor_key: number for number, each in enumerate(self.people)}
        return [(people.get(each.actor, each.actor), each.action) for each in self.entries()]

    def outcome(self):
        """The records as they are at the end, without the names of one scene."""
        signed = (
            Signoff.objects.filter(gate__iteration=self.iteration).order_by("pk").select_related("signer")
        )
        gates = Gate.objects.filter(iteration=self.iteration).order_by("pk")
        given = Authorization.objects.filter(project=self.project).order_by("pk")
        return {
            "gates": list(gates.values_list("round", "state")),
            "signatures": [
                (each.gate.round, each.signer.username.removeprefix(self.name), each.decision)
                for each in signed
            ],
            "authorizations": list(given.values_list("gate__round", "state")),
            "evidence": [state for (state,) in self.evidence().values_list("state")],
        }  # fmt: skip


def one_turn(scene, number, chance):
    """Something that this person would do now."""
    actor, gate = User.objects.get(pk=scene.people[number].pk), scene.gate()
    if number == 0:
        if gate.state == "open" and chance.random() < 0.2:
            withdraw_gate(gate=gate, actor=actor, reason="Not yet")
        elif gate.state != "open":
            scene.ask()
    elif number < 11:
        shown = scene.look(gate, actor)
        scene.sign(gate, actor, shown.digest, "reject" if chance.random() < 0.04 else "approve")
    elif number == 11:
        scene.find(actor)
    elif chance.random() < 0.5:
        scene.attach(actor)
    else:
        there = list(scene.evidence().filter(state="attached"))
        if len(there) > 1:
            expire_evidence(evidence=chance.choice(there), actor=actor, reason="Wrong data")


def do_again(first, second):
    """What people did of themselves in the first scene, in the second and in the order of the ledger."""
    before = {pk: number for number, (pk,) in enumerate(first.evidence().values_list("pk"))}
    started = len(second.entries())
    people = {each.actor_key: each for each in second.people}
    for entry in first.entries()[started:]:
        if entry.action not in OWN:
            continue
        number = next(n for n, each in enumerate(first.people) if each.actor_key == entry.actor)
        actor, detail = User.objects.get(pk=second.people[number].pk), entry.payload.content["detail"]
        assert actor.actor_key in people
        if entry.action == "gate.opened":
            second.ask()
        elif entry.action == "gate.evaluated":
            second.look(second.gate(), actor)
        elif entry.action == "gate.signed":
            shown = second.gate().evaluations.order_by("-evaluated_at", "-pk")[0]
            second.sign(second.gate(), actor, shown.digest, detail["decision"])
        elif entry.action == "gate.withdrawn":
            withdraw_gate(gate=second.gate(), actor=actor, reason="Not yet")
        elif entry.action == "evidence.attached":
            second.attach(actor)
        elif entry.action == "evidence.expired":
            there = second.evidence()[before[int(entry.subject_id)]]
            expire_evidence(evidence=there, actor=actor, reason="Wrong data")
        else:
            second.find(actor)


@pytest.mark.parametrize("seed", [1, 2])
def test_it_comes_out_as_if_they_had_queued_up(seed):
    first, second = Scene("one"), Scene("two")
    said = Counter()

    def work(number):
        chance = random.Random(seed * 100 + number)
        for _turn in range(TURNS):
            try:
                one_turn(first, number, chance)
                said["done"] += 1
            except (Refused, Invalid) as no:
                said[no.code] += 1
            except PermissionDenied:
                said["forbidden"] += 1

    assert run_writers(PEOPLE, work) == []  # no deadlock, no lost connection, no wait without end

    story = first.story()
    decided = [each for each in first.entries() if each.action == "gate.decided"]
    assert len({each.subject_id for each in decided}) == len(decided), "no gate is decided twice"
    assert said["done"] > PEOPLE
    assert {"gate.signed", "evidence.attached"} <= {action for _who, action in story}
    do_again(first, second)
    assert second.story() == story
    assert second.outcome() == first.outcome()
    for scene in (first, second):
        active = Authorization.objects.filter(project=scene.project, state="active").exists()
        assert gate_check(model_digest=scene.model.digest, environment="production").allow == active
    assert verify().intact
