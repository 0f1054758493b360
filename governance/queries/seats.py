"""Who sits in which seat of a gate: people are matched to seats, one person to at most one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from governance.models import Evaluation, Gate, Signoff
from governance.queries.duties import accounts_around, barred_from_signing
from governance.rules.gates import has_place
from lifecycle.models import Compromise, Membership, User
from lifecycle.rules.identity import same_people
from lifecycle.rules.people import can_change


@dataclass(frozen=True)
class Seat:
    """One signature that a gate asks for, and the roles that may give it."""

    roles: frozenset[str]


@dataclass(frozen=True)
class Seating:
    """Each seat with the person in it, None where it is empty. Accounts of one person are one person."""

    seats: tuple[tuple[Seat, User | None], ...]

    @property
    def filled(self) -> int:
        return sum(person is not None for _seat, person in self.seats)

    @property
    def complete(self) -> bool:
        return self.filled == len(self.seats)


def seats_of(definition: Mapping[str, Any]) -> list[Seat]:
    """The seats that a gate's definition asks for: so many of each role, or so many of any of the roles."""
    signatures = definition["signatures"]
    if named := signatures.get("seats"):
        return [
            Seat(frozenset(each.get("roles") or [each["role"]]))
            for each in named
            for _number in range(int(each.get("required", 1)))
        ]
    return [Seat(frozenset(signatures["roles"]))] * int(signatures["required"])


def seated(people: Sequence[frozenset[str]], seats: Sequence[Seat]) -> list[int | None]:
    """For each seat the index of the person in it, such that as many seats as possible are filled.

    `people` are the roles that each of them has. A maximum matching (Hopcroft and Karp): first fit would give
    a person who could sit anywhere the seat that another one needs.
    """
    if not people or not seats:
        return [None] * len(seats)
    if len(set(seats)) == 1:  # all alike: there is nothing to get wrong
        fitting: list[int | None] = [index for index, roles in enumerate(people) if seats[0].roles & roles]
        return (fitting + [None] * len(seats))[: len(seats)]
    # Imported here: it takes a tenth of a second, and most processes never seat anybody.
    import numpy as np  # noqa: PLC0415
    from scipy.sparse import csr_matrix  # noqa: PLC0415
    from scipy.sparse.csgraph import maximum_bipartite_matching  # noqa: PLC0415

    fits = np.array([[bool(seat.roles & roles) for roles in people] for seat in seats])
    found = maximum_bipartite_matching(csr_matrix(fits), perm_type="column")
    return [int(index) if index >= 0 else None for index in found]


def seating_of(
    gate: Gate, signers: Iterable[User], places: Mapping[int, Membership], around: Iterable[User] = (),
    first: int | None = None,
) -> Seating:  # fmt: skip
    """The gate's seats with these accounts in them; `places` are memberships by account.

    `around` are other accounts of the project, through which two of the signers may be one person. With
    `first` only so many seats are looked at, from the beginning.
    """
    people = same_people(signers, around=around)
    roles = [
        frozenset().union(*(_roles(places[user.pk]) for user in accounts if user.pk in places))
        for accounts in people
    ]
    seats = seats_of(gate.definition)[:first]
    found = seated(roles, seats)
    return Seating(
        tuple(
            (seat, None if index is None else people[index][0])
            for seat, index in zip(seats, found, strict=True)
        )
    )


def approving(evaluation: Evaluation) -> Seating:
    """The seats filled by those who approved exactly this and still may sign it. 7 queries."""
    gate = evaluation.gate
    approved = _approvals(evaluation)
    signers = {signoff.signer_id: signoff.signer for signoff in approved}
    if not signers:
        return seating_of(gate, [], {})
    found = Membership.objects.filter(
        project=gate.iteration.project_id, user__in=signers, left_at__isnull=True
    )
    places = {place.user_id: place for place in found}
    barred = barred_from_signing(gate)
    counted = [
        user
        for user in signers.values()
        if can_change(user) and has_place(places.get(user.pk)) and user.actor_key not in barred
    ]
    return seating_of(gate, counted, places, accounts_around(gate.iteration.project_id))


def seat_before(
    gate: Gate, approved: Iterable[User], signer: User, places: Mapping[int, Membership],
    around: Iterable[User] = (),
) -> Seat | None:  # fmt: skip
    """The seat that has to be filled before this person approves, None if it is their turn. No query.

    Only where the gate's signatures are given in order: those who approved and the signer must fill the first
    seats, as many as they are.
    """
    if not gate.definition["signatures"].get("in_order"):
        return None
    before = seating_of(gate, approved, places, around).filled
    with_signer = seating_of(gate, [*approved, signer], places, around, first=before + 1)
    if with_signer.complete:
        return None
    so_far = seating_of(gate, approved, places, around, first=before + 1)
    return next((seat for seat, person in so_far.seats if person is None), None)


def turn_of(evaluation: Evaluation, signer: User) -> Seat | None:
    """As `seat_before`, for those who have approved this evaluation. 8 queries where there is an order."""
    gate = evaluation.gate
    if not gate.definition["signatures"].get("in_order"):
        return None
    approved = [person for _seat, person in approving(evaluation).seats if person is not None]
    found = Membership.objects.filter(
        project=gate.iteration.project_id, user__in=[*approved, signer], left_at__isnull=True
    )
    places = {place.user_id: place for place in found}
    return seat_before(gate, approved, signer, places, accounts_around(gate.iteration.project_id))


def quorum_stands(evaluation: Evaluation) -> bool:
    """Whether those who approved are still as many different people as were asked for. 3 queries.

    A signature given while somebody else may have used the account does not count. Who has left or has
    another role since keeps what they signed.
    """
    signers = [signoff.signer for signoff in _approvals(evaluation)]
    people = same_people(signers, around=accounts_around(evaluation.gate.iteration.project_id))
    return len(people) >= evaluation.gate.required_signatures


def _approvals(evaluation: Evaluation) -> QuerySet[Signoff]:
    """The approvals of exactly this, but for those given while somebody else may have used the account."""
    taken = Compromise.objects.filter(person=OuterRef("signer"), since__lte=OuterRef("signed_at")).filter(
        Q(until__isnull=True) | Q(until__gt=OuterRef("signed_at"))
    )
    approved = evaluation.signoffs.filter(~Exists(taken), decision=Signoff.Decision.APPROVE)
    return approved.select_related("signer")


def _roles(place: Membership) -> frozenset[str]:
    return frozenset() if not has_place(place) else frozenset((place.role, *place.crisp_roles))
