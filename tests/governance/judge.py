"""What a gate check may say, judged from what people did and from nothing that the product stored.

Plain data and plain rules, written from docs/gates.md and docs/signatures.md. It knows no table, no service
and no query; the random walk tells it what it did, and asks it before it believes the product.
"""

import copy
import datetime as dt
from dataclasses import dataclass, field
from itertools import permutations

VALIDITY = dt.timedelta(days=30)
TOLERANCE = dt.timedelta(seconds=30)
COUNTS = "counts"
BEFORE = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


@dataclass
class Account:
    """One account: where it gets its mail is who it is."""

    mail: str
    subject: str = ""
    role: str = ""
    codes: frozenset[str] = frozenset()
    barred: bool = False
    took_part: bool = False

    @property
    def keys(self):
        box, _sign, domain = self.mail.lower().partition("@")
        return {f"mail {box.partition('+')[0]}@{domain}"} | (
            {f"subject {self.subject}"} if self.subject else set()
        )


@dataclass
class Signature:
    account: str
    decision: str
    at: dt.datetime
    seen: dict


@dataclass
class Question:
    """One gate: what it is about, what was signed under it, and what came of it."""

    key: str
    model: str
    environment: str
    scope: dict
    signatures: list[Signature] = field(default_factory=list)
    stepped_back: set[str] = field(default_factory=set)
    conditions: dict[int, list] = field(default_factory=dict)
    requests: set[int] = field(default_factory=set)
    state: str = "open"


@dataclass
class Permission:
    """What a passed gate gives, until something ends it for good."""

    gate: int
    start: dt.datetime
    signed: dict
    dead: str = ""
    suspended: bool = False


@dataclass
class World:
    """Everything that the judge was told."""

    accounts: dict[str, Account]
    seats: dict[str, list[frozenset[str]]]
    measured: dict[str, float]
    now: dt.datetime = BEFORE
    latest: dt.datetime = BEFORE
    evidence: dict[int, list] = field(default_factory=dict)
    requirements: dict[str, list] = field(default_factory=dict)
    risks: dict[str, list] = field(default_factory=dict)
    findings: dict[int, list] = field(default_factory=dict)
    waivers: dict[int, list] = field(default_factory=dict)
    gates: dict[int, Question] = field(default_factory=dict)
    taken: list[list] = field(default_factory=list)
    permissions: dict[int, Permission] = field(default_factory=dict)

    # ---- what there is to decide on ----

    def accuracy(self, model):
        """The last value that counts, an evaluation before a training; None if nothing was measured."""
        counting = [each for each in self.evidence.values() if each[2] == COUNTS and each[0] == model]
        for kind in ("EVR", "TRN"):
            values = [value for _model, its_kind, _state, value in counting if its_kind == kind]
            if values:
                return values[-1]
        return None

    def waiver_of(self, gate, criterion):
        """The waiver that excuses a criterion now, with its last day."""
        about = self.gates[gate]
        for key, (of, name, state, day) in self.waivers.items():
            other = self.gates[of]
            same = (other.key, other.model, name) == (about.key, about.model, criterion)
            if same and state == "granted" and day >= self.now.date():
                return key, day
        return None

    def content(self, gate):
        """Exactly what is decided on at this gate now."""
        about, accuracy = self.gates[gate], self.accuracy(self.gates[gate].model)
        asked = {key: tuple(each[:3]) for key, each in self.requirements.items() if each[0] == about.key}
        excused, unmet = {}, []
        for key, (_gate, limit, agreed) in asked.items():
            if not (agreed and accuracy is not None and accuracy >= limit):
                waiver = self.waiver_of(gate, key)
                (unmet.append(key) if waiver is None else excused.update({key: waiver}))
        open_risks = sorted(key for key, each in self.risks.items() if not self.acceptable(each))
        if open_risks:
            waiver = self.waiver_of(gate, "risks")
            (unmet.append("risks") if waiver is None else excused.update({"risks": waiver}))
        findings = {
            key: holds
            for key, (model, holds, stands) in self.findings.items()
            if stands and model in ("", about.model)
        }
        holds = any(findings.values()) or bool(about.requests)
        return copy.deepcopy({
            "accuracy": accuracy, "asked": asked, "excused": excused, "open_risks": open_risks,
            "evidence": {key: each[2] for key, each in self.evidence.items()},
            "findings": findings, "conditions": {key: each[0] for key, each in about.conditions.items()},
            "acceptances": {key: each[1] for key, each in self.risks.items() if self.acceptable(each)},
            "met": not unmet and not holds,
        })  # fmt: skip

    def acceptable(self, risk):
        accepted, until = risk
        return accepted and (until is None or until >= self.now.date())

    # ---- who may sign, and what a signature comes to ----

    def person(self, account):
        """The other accounts of the same person, itself among them."""
        found, keys = {account}, set(self.accounts[account].keys)
        grew = True
        while grew:
            more = {name for name, each in self.accounts.items() if each.keys & keys} - found
            grew = bool(more)
            found |= more
            for name in more:
                keys |= self.accounts[name].keys
        return frozenset(found)

    def entitled(self, gate, account):
        """Whether this account fills a seat of the gate and its person took no part in the work."""
        each = self.accounts[account]
        if each.role in ("", "auditor") or self.took_part(account):
            return False
        return any(seat & ({each.role} | each.codes) for seat in self.seats[self.gates[gate].key])

    def took_part(self, account):
        return any(self.accounts[name].took_part for name in self.person(account))

    def enough(self, gate, content):
        """Whether different people fill all the seats with approvals of exactly this content."""
        approved = [
            each.account for each in self.gates[gate].signatures
            if each.decision == "approve" and each.seen == content and not self.was_taken(each)
            and self.entitled(gate, each.account)
        ]  # fmt: skip
        people = {}
        for account in approved:
            people.setdefault(self.person(account), set()).update(
                {self.accounts[account].role} | self.accounts[account].codes
            )
        seats = self.seats[self.gates[gate].key]
        return any(
            all(seat & people[who] for seat, who in zip(seats, order, strict=True))
            for order in permutations(people, len(seats))
        )

    def seating(self, gate):
        """Why the seats of a gate are not filled, for whoever reads a test that fails."""
        present = self.content(gate)
        return [
            (each.account, each.decision, self.entitled(gate, each.account), self.was_taken(each),
             {key: (value, present[key]) for key, value in each.seen.items() if value != present[key]})
            for each in self.gates[gate].signatures
        ]  # fmt: skip

    def was_taken(self, signature):
        """Whether somebody else may have used the account when this was signed."""
        return any(
            account == signature.account and since <= signature.at and (until is None or signature.at < until)
            for account, since, until in self.taken
        )

    def sign(self, gate, account, decision, seen):
        """Take note of a signature; a gate that is complete is passed."""
        about = self.gates[gate]
        about.signatures.append(Signature(account, decision, self.now, copy.deepcopy(seen)))
        content = self.content(gate)
        if decision == "reject":
            about.state = "refused"
        elif decision == "approve" and content["met"] and self.enough(gate, content):
            about.state = "passed"
            self.permissions[gate] = Permission(gate, self.now, content)

    # ---- what ends a permission ----

    def settle(self):
        """After each change: what was signed for and is not so any more ends a permission for good."""
        self.latest = max(self.latest, self.now)
        for gate, given in self.permissions.items():
            given.dead = given.dead or self.difference(gate, given.signed)

    def difference(self, gate, signed):
        """The first thing that is not as it was signed for; empty if all is."""
        present = self.content(gate)
        for key, state in signed["evidence"].items():
            if state == COUNTS and present["evidence"][key] != COUNTS:
                return "evidence gone"
        if any(
            state == COUNTS and key not in signed["evidence"] for key, state in present["evidence"].items()
        ):
            return "evidence added"
        if present["asked"] != signed["asked"]:
            return "requirement"
        if set(present["open_risks"]) - set(signed["open_risks"]):
            return "risk"
        if set(present["findings"]) - set(signed["findings"]):
            return "finding"
        for waiver, _day in signed["excused"].values():
            if self.waivers[waiver][2] != "granted":
                return "waiver"
        if self.missed(gate):
            return "condition"
        standing = {
            self.person(each.account) for each in self.gates[gate].signatures
            if each.decision == "approve" and each.seen == signed and not self.was_taken(each)
        }  # fmt: skip
        return "signer" if len(standing) < len(self.seats[self.gates[gate].key]) else ""

    def missed(self, gate):
        return any(state == "missed" for _text, state, _day in self.gates[gate].conditions.values())

    def ends(self, given):
        """The moment from which a permission holds no more."""
        days = [day for _waiver, day in given.signed["excused"].values()]
        days += [day for _text, state, day in self.gates[given.gate].conditions.values() if state == "open"]
        days += [day for day in given.signed["acceptances"].values() if day is not None]
        midnights = [
            dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC) for day in days
        ]
        return min([given.start + VALIDITY, *midnights])

    def allows(self, model, environment, scope):
        """Whether a gate check may say yes now."""
        if self.now < self.latest - TOLERANCE:
            return False
        return any(
            not given.dead and not given.suspended and given.start <= self.now < self.ends(given)
            and (self.gates[gate].model, self.gates[gate].environment) == (model, environment)
            and self.within(scope, self.gates[gate].scope)
            for gate, given in self.permissions.items()
        )  # fmt: skip

    @staticmethod
    def within(asked, given):
        return not given or all(
            key in given and set(values) <= set(given[key]) for key, values in asked.items()
        )
