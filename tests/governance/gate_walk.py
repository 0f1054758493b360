"""People, clocks and crashes at random around the gates of one project, beside a judge that trusts nothing.

Every rule is one thing that somebody does, by the services that pages and API call. After every step the gate
check is asked for what was ever permitted, and for what was not; it may never say yes where the judge of
`judge.py` says no.
"""

import datetime as dt
import hashlib
from collections import Counter

import rfc8785
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from governance.models import (
    Authorization,
    Condition,
    Evaluation,
    Feedback,
    Finding,
    Gate,
    Signoff,
    Staleness,
    Waiver,
)
from governance.queries.gate_checks import gate_check
from governance.services.authorizations import resume_authorization, suspend_authorization
from governance.services.conditions import fulfil_condition, propose_condition
from governance.services.due import end_conditions, end_waivers
from governance.services.findings import open_finding, resolve_finding, verify_finding
from governance.services.gates import evaluate_gate, open_gate, withdraw_gate
from governance.services.reviews import abstain_from_gate, ask_for_changes, settle_feedback
from governance.services.signoffs import sign_gate
from governance.services.waivers import ask_waiver, grant_waiver, revoke_waiver, waiver_digest
from ledger.errors import Invalid, Refused
from ledger.models import Entry
from lifecycle.models import Compromise, Evidence, Requirement, Risk
from lifecycle.services.accounts import report_compromise, set_own_password
from lifecycle.services.evidence import attach_evidence, expire_evidence
from lifecycle.services.projects import add_member, change_member, remove_member
from lifecycle.services.requirements import agree_requirement, change_requirement
from lifecycle.services.risks import accept_risk, reopen_risk
from lifecycle.services.runs import record_run
from lifecycle.services.tasks import assign_task
from lifecycle.services.users import change_person
from tests import make
from tests.governance.judge import COUNTS, Account, Question, World

SEATS = {"G1": [frozenset({"reviewer"})] * 2, "G2": [frozenset({"DS"}), frozenset({"PO", "DS"})]}
MODELS = ("a", "b")
PLACES = ("production", "staging")
SCOPES = ({}, {"country": ["US"]}, {"country": ["US", "IT"]})
ASKED = ({}, {"country": ["US"]}, {"country": ["IT"]}, {"country": ["JP"]}, {"segment": ["kiosk"]})
PEOPLE = {
    "ann": ("reviewer", "DS"), "ben": ("reviewer", "PO"), "cyn": ("reviewer", "DS", "PO"),
    "dan": ("reviewer",), "ann2": ("reviewer", "PO", "DS"), "eve": ("contributor", "DS"), "aud": ("auditor",),
}  # fmt: skip
MAILBOXES = ("ann", "ben", "cyn", "dan")
signers = st.sampled_from((*("ann", "ben", "cyn", "dan") * 3, "ann2", "ann2", "eve", "aud", "boss", "out"))
likely = st.sampled_from((*("ben", "cyn") * 3, "ann", "dan", "ann2", "eve", "boss"))
workers = st.sampled_from(("worker", "worker", "boss", "eve", "eve", "dan"))
reviewers = st.sampled_from(("ann", "ben", "cyn", "dan", "ann2"))
seldom = st.sampled_from((False,) * 11 + (True,))


class Crash(BaseException):
    """The process is gone in the middle of what it did."""


class Clock(dt.datetime):
    """The time that the site reads, which a test moves. Arithmetic gives plain times again."""

    moment = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.moment if tz else cls.moment.replace(tzinfo=None)


def document():
    """One phase with two gates that do not end it, so that decisions can follow each other for ever."""
    criteria = [
        {"key": "risks", "words": "Risks are acceptable", "why": "It must",
         "expression": "risks.all(r, r.acceptable)"},
    ]  # fmt: skip
    gates = [
        {
            "key": key, "name": f"Gate {key}", "question": "May it run?", "between": ["P1"],
            "authorizes": True, "criteria": criteria, "validity_days": 30,
            "signatures": {"required": 2, "roles": ["reviewer"], "meaning": "I have seen it"}
            | ({"seats": [{"roles": sorted(seat)} for seat in seats]} if key == "G2" else {}),
        }
        for key, seats in SEATS.items()
    ]  # fmt: skip
    gates.append(gates[0] | {"key": "G9", "between": ["P1", "P2"]})
    gates.append(gates[0] | {"key": "G8", "between": ["P2"]})
    phases = [each | {"gate": gate} for each, gate in zip(plain_phases(), ("G9", "G8"), strict=True)]
    return make.small_document(gates=gates, phases=phases, handoffs=[], triggers=[], risks=[])


def plain_phases():
    return [make._phase("P1", "G9"), make._phase("P2", "G8")]


class Home:
    """The rows that every run of the walk starts from, made once."""

    def __init__(self):
        Clock.moment = dt.datetime(2030, 1, 1, 12, tzinfo=dt.UTC)
        self.project = make.project(document=document())
        self.iteration = make.iteration(self.project)
        phase = make.phase(self.iteration, "P1", "in_review")
        self.task = make.task(phase, "1.1", "instantiated")
        self.users = {name: make.user(name, email=f"{name}@example.org") for name in PEOPLE}
        self.users |= {"boss": self.project.created_by, "out": make.user("out"), "worker": self.task.owner}
        self.users["admin"] = make.user("admin", org_role="administrator")
        for name, (role, *codes) in PEOPLE.items():
            make.member(self.project, role, *codes, user=self.users[name])
        self.models = {name: make.model_version(self.project) for name in MODELS}
        self.requirements = {
            key: make.requirement(self.project, gate=key, key=f"accuracy-{key}", limit=0.9) for key in SEATS
        }
        self.risk = make.risk(self.task, "accepted", key="X1", accepted_by=self.project.created_by)


class GateWalk(RuleBasedStateMachine):
    """One project and those who work in it, sign for it, and get in each other's way."""

    home: Home
    seen: Counter[str] = Counter()

    def __init__(self):
        super().__init__()
        self.sandbox = transaction.atomic()
        self.sandbox.__enter__()
        self.users = dict(self.home.users)
        people = {name: Account(f"{name}@example.org", "", role, frozenset(codes))
                  for name, (role, *codes) in PEOPLE.items()}  # fmt: skip
        # One person with two accounts from the beginning.
        people["ann2"].mail = "Ann+2@example.org"
        people |= {
            "boss": Account("boss@example.org", "", "manager"), "out": Account("out@example.org"),
            "worker": Account("worker@example.org", "", "contributor"),
        }  # fmt: skip
        self.world = World(people, SEATS, {})
        self.moment = dt.datetime(2030, 1, 1, 13, tzinfo=dt.UTC)
        self.shown: dict[int, list[tuple[str, dict]]] = {}
        self.passwords = dict.fromkeys(self.users, make.PASSWORD)
        self.crash_at = 0
        self.tick(dt.timedelta())
        self.world.requirements = {f"accuracy-{key}": [key, 0.9, True] for key in SEATS}
        self.world.risks = {"X1": [True, None]}
        self.current = {f"accuracy-{key}": each.pk for key, each in self.home.requirements.items()}
        self.do(change_person, "admin", person=self.users["ann2"], email="Ann+2@example.org")
        for model in MODELS:
            self.prove("worker", model, "TRN", 0.95)

    # ---- how a step is taken ----

    def tick(self, by):
        """Time goes by, a little with every step."""
        self.moment += by + dt.timedelta(seconds=1)
        Clock.moment = self.world.now = self.moment

    def do(self, act, who, **fields):
        """Whether this person could do it. A crash somewhere inside leaves nothing of it."""
        self.tick(dt.timedelta())
        crash_at, self.crash_at = self.crash_at, 0
        self.seen[act.__name__] += 1
        before = records() if crash_at else ()
        try:
            with connection.execute_wrapper(_Crasher(crash_at)):
                self.given = act(**({"actor": self.users[who]} if who else {}), **fields)
        except (PermissionDenied, Refused, Invalid) as no:
            self.seen[f"{act.__name__}: {getattr(no, 'code', no)}"] += 1
            return False
        except Crash:
            self.seen["crash"] += 1
            assert records() == before, f"something of {act.__name__} is left"
            return False
        self.seen[f"{act.__name__} done"] += 1
        self.world.latest = max(self.world.latest, self.moment)
        return True

    def gates(self, *states):
        return [key for key, each in self.world.gates.items() if each.state in (states or (each.state,))]

    def newest(self, data, *states):
        """One of the last gates in such a state."""
        return data.draw(st.sampled_from(self.gates(*states)[-3:]))

    # ---- decisions ----

    @precondition(lambda self: len(self.gates("open")) < 2)
    @rule(key=st.sampled_from(tuple(SEATS)), model=st.sampled_from(MODELS), place=st.sampled_from(PLACES),
          scope=st.sampled_from(SCOPES), who=workers)  # fmt: skip
    def ask(self, key, model, place, scope, who):
        self.ask_with(key, model, place, scope, who)

    def ask_with(self, key, model, place, scope, who):
        done = self.do(open_gate, who, iteration=self.home.iteration, key=key,
                       model_version=self.home.models[model], environment=place, scope=scope)  # fmt: skip
        if done:
            self.world.gates[self.given.pk] = Question(key, model, place, scope)
            self.world.accounts[who].took_part = True

    @precondition(lambda self: self.gates("open"))
    @rule(data=st.data())
    def look(self, data):
        self.look_at(self.newest(data, "open"))

    def look_at(self, gate):
        if self.do(evaluate_gate, "boss", gate=Gate(pk=gate)):
            shown = (self.given.digest, self.world.content(gate))
            self.shown.setdefault(gate, []).append(shown)
            assert self.given.verdict == shown[1]["met"], shown[1]

    @rule(data=st.data(), key=st.sampled_from(tuple(SEATS)), ready=st.sampled_from((True, True, False)))
    def decide(self, data, key, ready):
        """Somebody asks, all is put right, and reviewers sign: what leads to most permissions."""
        if not self.gates("open"):
            self.ask_for(key, data)
        if not self.gates("open"):
            return
        gate = self.newest(data, "open")
        if ready:
            self.put_all_right(gate)
        self.look_at(gate)
        for _ in range(data.draw(st.integers(1, 3))):
            self.sign(gate, data.draw(likely), data.draw(seldom), data.draw(seldom), data.draw(seldom))

    @rule(data=st.data(), key=st.sampled_from(tuple(SEATS)))
    def decide_another_time(self, data, key):
        self.decide(data, key, ready=True)

    @precondition(lambda self: self.gates("open"))
    @rule(data=st.data(), who=signers, looked=st.sampled_from((True, False)))
    def one_signs(self, data, who, looked):
        gate = self.newest(data, "open")
        if looked:
            self.look_at(gate)
        self.sign(gate, who, acknowledges=False, rejects=False, guesses=False)

    def ask_for(self, key, data):
        self.ask_with(key, data.draw(st.sampled_from(MODELS)), data.draw(st.sampled_from(PLACES)),
                      data.draw(st.sampled_from(SCOPES)), "worker")  # fmt: skip

    def put_people_right(self):
        """Two who may fill all seats have their places and their accounts."""
        self.moment = max(self.moment, self.world.latest)
        for who, codes in (("ben", ("PO",)), ("cyn", ("DS",))):
            each = self.world.accounts[who]
            if each.role != "reviewer" or not each.codes:
                self.place(who, "reviewer", codes)
            for span in self.world.taken:
                if span[0] == who and span[2] is None:
                    self.take_back(span)

    def put_all_right(self, gate):
        """What a gate's criteria ask for, by those whose work it is."""
        about = self.world.gates[gate]
        self.put_people_right()
        name = f"accuracy-{about.key}"
        if not self.world.requirements[name][2]:
            self.agree_to(name)
        accuracy = self.world.accuracy(about.model)
        if accuracy is None or accuracy < self.world.requirements[name][1]:
            self.prove("worker", about.model, "EVR", 0.95)
        if not self.world.acceptable(self.world.risks["X1"]):
            self.accept_the_risk(40)
        for pk in [key for key, each in self.world.findings.items() if each[2] and each[1]]:
            self.settle_finding(pk, "boss")
        for pk in sorted(about.requests):
            for who in ("ann", "ben", "cyn", "dan"):
                self.settle_request(gate, pk, who)

    @precondition(lambda self: any(self.shown.get(each) for each in self.gates()))
    @rule(data=st.data(), who=signers, back=st.integers(0, 3))
    def sign_what_was_shown_once(self, data, who, back):
        """With the digest of an earlier look, or at a gate that was decided."""
        gate = data.draw(st.sampled_from([each for each in self.gates() if self.shown.get(each)][-3:]))
        self.sign(gate, who, acknowledges=False, rejects=False, guesses=False, back=back)

    def sign(self, gate, who, acknowledges, rejects, guesses, back=0):
        if not self.shown.get(gate):
            return
        shown = self.shown[gate]
        digest, content = shown[max(0, len(shown) - 1 - back)]
        decision = "reject" if rejects else "acknowledge" if acknowledges else "approve"
        done = self.do(
            sign_gate, who, gate=Gate.objects.get(pk=gate), digest=digest, decision=decision,
            meaning="approval", password="guess" if guesses else self.passwords[who], comment="So be it",
        )  # fmt: skip
        if done:
            self.world.sign(gate, who, decision, content)
            state = Gate.objects.values_list("state", flat=True).get(pk=gate)
            self.seen[f"gate {state}"] += 1
            fair = self.world.gates[gate].state == "passed"
            assert fair or state not in ("passed", "conditional"), self.world.seating(gate)

    @precondition(lambda self: self.gates("open"))
    @rule(data=st.data(), who=signers, how=st.sampled_from(("withdraw", "abstain", "abstain")))
    def step_back(self, data, who, how):
        gate = self.newest(data, "open")
        if how == "withdraw":
            if self.do(withdraw_gate, "boss", gate=Gate(pk=gate, iteration=self.home.iteration), reason="No"):
                self.world.gates[gate].state = "withdrawn"
        else:
            self.do(abstain_from_gate, who, gate=Gate(pk=gate), reason="I know them")

    @precondition(lambda self: self.gates("open"))
    @rule(data=st.data(), who=reviewers)
    def want_changes(self, data, who):
        gate = self.newest(data, "open")
        if self.do(ask_for_changes, who, gate=Gate(pk=gate), text="Measure Italy"):
            self.world.gates[gate].requests.add(self.given.pk)

    @precondition(lambda self: any(each.requests for each in self.world.gates.values()))
    @rule(data=st.data(), who=reviewers)
    def answer_changes(self, data, who):
        waiting = [(gate, pk) for gate, each in self.world.gates.items() for pk in sorted(each.requests)]
        self.settle_request(*data.draw(st.sampled_from(waiting)), who)

    def settle_request(self, gate, pk, who):
        if pk in self.world.gates[gate].requests and self.do(
            settle_feedback, who, feedback=Feedback.objects.get(pk=pk), answer="Done"
        ):
            self.world.gates[gate].requests.discard(pk)

    # ---- what decisions rest on ----

    @rule(who=workers, model=st.sampled_from(MODELS),
          kind=st.sampled_from(("TRN", "EVR")), value=st.sampled_from((0.85, 0.91, 0.95)))  # fmt: skip
    def give_evidence(self, who, model, kind, value):
        self.prove(who, model, kind, value)

    def prove(self, who, model, kind, value):
        record = {"metrics": {"accuracy": value}, "number": make.number()}
        run = make.run(self.home.project, kind, model_version=self.home.models[model], record=record)
        content = rfc8785.dumps({"record": record})
        snapshot = make.snapshot(self.home.project, kind, run=run, content=content.decode(),
                                 digest=hashlib.sha256(content).hexdigest())  # fmt: skip
        if self.do(attach_evidence, who, task=self.home.task, snapshot=snapshot):
            self.world.evidence[self.given.pk] = [model, kind, COUNTS, value]
            self.world.accounts[who].took_part = True

    @precondition(lambda self: self.world.evidence)
    @rule(data=st.data(), who=st.sampled_from(("worker", "boss", "ann")))
    def lose_evidence(self, data, who):
        pk = data.draw(st.sampled_from(sorted(self.world.evidence)[-4:]))
        if self.do(expire_evidence, who, evidence=Evidence.objects.get(pk=pk), reason="Wrong data"):
            self.world.evidence[pk][2] = "gone"

    @rule(who=st.sampled_from(("eve", "worker", "worker")))
    def start_a_run(self, who):
        done = self.do(
            record_run, who, project=self.home.project, iteration=self.home.iteration, task=None, kind="TRN",
            title="T", source="x", external_id=f"{make.number()}", record={},
        )  # fmt: skip
        if done:
            self.world.accounts[who].took_part = True

    @rule(who=st.sampled_from(("eve", "worker", "worker")))
    def own_a_task(self, who):
        task = self.home.iteration.phases.get(key="P2").tasks.get(key="2.1")
        if self.do(assign_task, "boss", task=task, owner=self.users[who]):
            self.world.accounts[who].took_part = True

    @rule(key=st.sampled_from(tuple(SEATS)), limit=st.sampled_from((0.8, 0.88, 0.9, 0.93)))
    def ask_more(self, key, limit):
        name = f"accuracy-{key}"
        old = Requirement.objects.get(pk=self.current[name])
        if self.do(change_requirement, "boss", requirement=old, reason="Because", limit=limit):
            self.current[name] = self.given.pk
            self.world.requirements[name] = [key, limit, False]

    @precondition(lambda self: any(not each[2] for each in self.world.requirements.values()))
    @rule(data=st.data())
    def agree(self, data):
        self.agree_to(
            data.draw(st.sampled_from([key for key, each in self.world.requirements.items() if not each[2]]))
        )

    def agree_to(self, name):
        if self.do(agree_requirement, "boss", requirement=Requirement.objects.get(pk=self.current[name])):
            self.world.requirements[name][2] = True

    @rule(days=st.sampled_from((None, 2, 20, 40)), accept=st.booleans())
    def weigh_the_risk(self, days, accept):
        if accept:
            self.accept_the_risk(days)
        elif self.do(reopen_risk, "boss", risk=Risk.objects.get(pk=self.home.risk.pk), reason="It came back"):
            self.world.risks["X1"] = [False, None]

    def accept_the_risk(self, days):
        risk = self.home.risk
        until = (self.moment + dt.timedelta(days=days)).date() if days else None
        Risk.objects.filter(pk=risk.pk).exclude(state="accepted").update(
            state="assessed", severity=2 if days is None else 4, occurrence=3
        )
        if self.do(accept_risk, "boss", risk=Risk.objects.get(pk=risk.pk), reason="So be it", until=until):
            self.world.risks["X1"] = [True, until]

    @rule(model=st.sampled_from(("", *MODELS)), holds=st.sampled_from((True, False, False)))
    def find(self, model, holds):
        digest = self.home.models[model].digest if model else ""
        if self.do(open_finding, "worker", project=self.home.project, title="Odd", severity="low",
                   holds=holds, model_digest=digest):  # fmt: skip
            self.world.findings[self.given.pk] = [model, holds, True]

    @precondition(lambda self: any(each[2] for each in self.world.findings.values()))
    @rule(data=st.data(), who=reviewers)
    def put_right(self, data, who):
        self.settle_finding(
            data.draw(st.sampled_from([key for key, each in self.world.findings.items() if each[2]])), who
        )

    def settle_finding(self, pk, who):
        self.do(resolve_finding, "worker", finding=Finding.objects.get(pk=pk), settlement="Mended")
        if self.do(verify_finding, who, finding=Finding.objects.get(pk=pk)):
            self.world.findings[pk][2] = False

    # ---- exceptions ----

    @precondition(lambda self: self.gates("open"))
    @rule(data=st.data(), who=signers, days=st.sampled_from((0, 1, 10, 40)), what=st.booleans())
    def excuse(self, data, who, days, what):
        gate = self.newest(data, "open")
        criterion = "risks" if what else f"accuracy-{self.world.gates[gate].key}"
        day = (self.moment + dt.timedelta(days=days)).date()
        asks = data.draw(st.sampled_from(("worker", "boss", who)))
        if self.do(
            ask_waiver, asks, gate=Gate(pk=gate), criterion=criterion, justification="No data",
            measure="By hand", expires_on=day,
        ):  # fmt: skip
            waiver = self.given
            self.world.waivers[waiver.pk] = [gate, criterion, "asked", day]
            fair = self.world.entitled(gate, who) and waiver.requested_by_id != self.users[who].pk
            if self.do(grant_waiver, who, waiver=waiver, digest=waiver_digest(waiver),
                       password=self.passwords[who]):  # fmt: skip
                # Else it stays asked for to the judge, and what rests on it is not allowed.
                self.world.waivers[waiver.pk][2] = "granted" if fair else "asked"

    @precondition(lambda self: self.world.waivers)
    @rule(data=st.data())
    def excuse_no_longer(self, data):
        pk = data.draw(st.sampled_from(sorted(self.world.waivers)[-3:]))
        if self.do(revoke_waiver, "boss", waiver=Waiver.objects.get(pk=pk), reason="Enough"):
            self.world.waivers[pk][2] = "revoked"

    @precondition(lambda self: self.gates("open"))
    @rule(data=st.data(), days=st.sampled_from((0, 3, 40)))
    def want_later(self, data, days):
        gate = self.newest(data, "open")
        day = (self.moment + dt.timedelta(days=days)).date()
        if self.do(propose_condition, "boss", gate=Gate(pk=gate), text="Measure", owner=self.users["worker"],
                   due_on=day):  # fmt: skip
            self.world.gates[gate].conditions[self.given.pk] = [self.given.text, "open", day]

    @precondition(lambda self: self.conditions())
    @rule(data=st.data(), who=reviewers)
    def do_later(self, data, who):
        gate, pk = data.draw(st.sampled_from(self.conditions()[-4:]))
        if self.do(fulfil_condition, who, condition=Condition.objects.get(pk=pk), note="Seen"):
            self.world.gates[gate].conditions[pk][1] = "done"

    def conditions(self):
        return [(gate, pk) for gate in self.gates("passed") for pk in self.world.gates[gate].conditions]

    @precondition(lambda self: self.world.permissions)
    @rule(data=st.data(), stop=st.booleans())
    def suspend_or_resume(self, data, stop):
        gate = data.draw(st.sampled_from(sorted(self.world.permissions)[-2:]))
        given = getattr(Gate.objects.get(pk=gate), "authorization", None)
        if given is not None and self.do(suspend_authorization if stop else resume_authorization, "boss",
                                         authorization=given, reason="Wait"):  # fmt: skip
            self.world.permissions[gate].suspended = stop

    # ---- people ----

    @rule(who=st.sampled_from(("ann", "ben", "cyn", "dan", "eve")),
          role=st.sampled_from(("reviewer", "reviewer", "reviewer", "contributor", "auditor", "gone")),
          codes=st.sampled_from(((), ("DS",), ("PO",), ("DS", "PO"))))  # fmt: skip
    def change_place(self, who, role, codes):
        self.place(who, role, codes)

    def place(self, who, role, codes):
        each, person = self.world.accounts[who], self.users[who]
        if role == "gone":
            if self.do(remove_member, "boss", project=self.home.project, user=person):
                each.role, each.codes = "", frozenset()
        else:
            act = change_member if each.role else add_member
            if self.do(act, "boss", project=self.home.project, user=person, role=role, crisp_roles=codes):
                each.role, each.codes = role, frozenset(codes)

    @rule(who=reviewers, mailbox=st.sampled_from(MAILBOXES), own=st.sampled_from((True, True, False)))
    def change_mail(self, who, mailbox, own):
        mail = f"{who if own else mailbox}+{who}@example.org"
        if self.do(change_person, "admin", person=self.users[who], email=mail):
            self.world.accounts[who].mail = mail

    @rule(who=reviewers, subject=st.sampled_from(("", "", "s1", "s2")))
    def change_subject(self, who, subject):
        if self.do(change_person, "admin", person=self.users[who], identity_subject=subject):
            self.world.accounts[who].subject = subject

    @rule(who=reviewers, hours=st.sampled_from((0, 1, 24, 24 * 20)))
    def lose_the_account(self, who, hours):
        since = self.moment - dt.timedelta(hours=hours)
        if self.do(report_compromise, "admin", person=self.users[who], since=since, reason="Phished"):
            self.world.taken.append([who, since, None])

    @precondition(lambda self: any(until is None for _who, _since, until in self.world.taken))
    @rule(data=st.data())
    def take_the_account_back(self, data):
        self.take_back(data.draw(st.sampled_from([each for each in self.world.taken if each[2] is None])))

    def take_back(self, span):
        new = f"quiet-harbour-{make.number()}"
        if self.do(set_own_password, span[0], new=new):
            span[2] = self.moment
            self.passwords[span[0]] = new

    # ---- time and misfortune ----

    @rule(hours=st.sampled_from((0, 1, 5, 12, 24, 24 * 3, 24 * 9, 24 * 29)))
    def wait(self, hours):
        self.tick(dt.timedelta(hours=hours))

    @precondition(lambda self: self.world.permissions)
    @rule(data=st.data(), edge=st.sampled_from((-1, 0, 1)))
    def wait_for_an_end(self, data, edge):
        """To the very second at which a permission ends, one before it or one after."""
        gate = data.draw(st.sampled_from(sorted(self.world.permissions)[-2:]))
        to = self.world.ends(self.world.permissions[gate]) + dt.timedelta(seconds=edge)
        if dt.timedelta() < to - self.moment < dt.timedelta(days=60):
            self.moment = to
            Clock.moment = self.world.now = to

    @rule(minutes=st.sampled_from((0, 2, 60, 60 * 24 * 3)))
    def clock_goes_back(self, minutes):
        self.tick(-dt.timedelta(minutes=minutes))

    @rule()
    def clock_is_set_right(self):
        if self.moment < self.world.latest:
            self.moment = self.world.latest
            self.tick(dt.timedelta())

    @rule()
    def day_is_looked_at(self):
        """What the day's sweep does with waivers and conditions whose day is past."""
        today = self.moment.date()
        standing = Waiver.objects.filter(state__in=("asked", "granted"), expires_on__lt=today)
        if standing and self.do(end_waivers, "", found=list(standing), now=self.moment):
            for each in self.world.waivers.values():
                if each[2] in ("asked", "granted") and each[3] < today:
                    each[2] = "expired"
        due = Condition.objects.filter(state="open", due_on__lt=today)
        if due and self.do(end_conditions, "", found=list(due), now=self.moment):
            for about in self.world.gates.values():
                for each in about.conditions.values():
                    if each[1] == "open" and each[2] < today and about.state == "passed":
                        each[1] = "missed"

    @rule(statement=st.integers(1, 14))
    def crash_next_time(self, statement):
        self.crash_at = statement

    # ---- what must hold at every moment ----

    @invariant()
    def nothing_is_allowed_that_was_not_signed(self):
        self.seen["steps"] += 1
        self.world.settle()
        questions = [
            (about.model, about.environment, about.scope)
            for about in [self.world.gates[gate] for gate in list(self.world.permissions)[-3:]]
        ]
        turn = self.seen["steps"]
        questions.append((MODELS[turn % 2], PLACES[turn // 2 % 2], ASKED[turn % len(ASKED)]))
        for model, place, scope in questions:
            answer = gate_check(
                model_digest=self.home.models[model].digest, environment=place, scope=scope,
                at=timezone.now(),
            )  # fmt: skip
            fair = self.world.allows(model, place, scope)
            self.seen[f"{'allow' if answer.allow else 'deny'}, {'fair' if fair else 'not fair'}"] += 1
            assert fair or not answer.allow, f"{answer.reason} {self.why(model)}"

    def why(self, model):
        return [
            (gate, each.dead, each.suspended, f"to {self.world.ends(each)}, now {self.world.now}")
            for gate, each in self.world.permissions.items() if self.world.gates[gate].model == model
        ]  # fmt: skip

    def teardown(self):
        transaction.set_rollback(True)
        self.sandbox.__exit__(None, None, None)


def records():
    """The states of all that a decision rests on, and how much was recorded."""
    stateful = (Authorization, Condition, Evidence, Finding, Gate, Requirement, Risk, Waiver)
    states = [list(each.objects.order_by("pk").values_list("pk", "state")) for each in stateful]
    counted = (Compromise, Entry, Evaluation, Feedback, Signoff, Staleness)
    return [*states, *(each.objects.count() for each in counted)]


class _Crasher:
    """Ends the process before its n-th statement that writes, once; 0 is never."""

    def __init__(self, statement):
        self.left = statement

    def __call__(self, execute, sql, params, many, context):
        writes = sql.startswith(("INSERT", "UPDATE", "DELETE"))
        self.left -= writes
        if writes and self.left == 0:
            raise Crash
        return execute(sql, params, many, context)
