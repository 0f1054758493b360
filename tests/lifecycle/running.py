"""A project with people, data and specifications, for tests of runs and triggers."""

import random
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.timezone import now

from ledger.models import Entry
from lifecycle.definitions import catalogue
from lifecycle.models import Iteration, Membership, Process, ProcessVersion, Project, Trigger, User
from lifecycle.services.iterations import open_iteration

_numbers = iter(range(1, 1_000_000))


def person(**fields: Any) -> User:
    """Somebody with an account."""
    number = next(_numbers)
    return User.objects.create(
        **{
            "username": f"runner{number}",
            "name": f"Runner {number}",
            "email": f"r{number}@example.org",
            **fields,
        }
    )


def member(project: Project, role: str) -> User:
    """Somebody who belongs to the project."""
    user = person()
    Membership.objects.create(project=project, user=user, role=role, joined_at=now())
    return user


def project() -> Project:
    """A project under the shipped process, with a manager and without triggers."""
    owner, number = person(), next(_numbers)
    process = Process.objects.create(key=f"process-{number}", name="Process")
    version = ProcessVersion.objects.create(
        process=process,
        number=1,
        document=catalogue().model_dump(mode="json"),
        digest="0" * 64,
        state="published",
        created_by=owner,
        created_at=now(),
        published_at=now(),
    )
    made = Project.objects.create(
        slug=f"project-{number}",
        name=f"Project {number}",
        process_version=version,
        created_by=owner,
        created_at=now(),
    )
    Membership.objects.create(project=made, user=owner, role="manager", joined_at=now())
    return made


def manager_of(made: Project) -> User:
    """The manager that `project` has put in."""
    return made.created_by


def iteration(made: Project) -> Iteration:
    """An open iteration."""
    return open_iteration(project=made, title="First", reason="To begin", actor=manager_of(made))


def trigger(made: Project, **fields: Any) -> Trigger:
    """A trigger that a person decides about and that only tells people."""
    values = {
        "key": f"X{next(_numbers)}",  # not one that the process opens a handoff on
        "name": "Watch",
        "kind": "drift",
        "mode": "ask",
        "action": "notify",
    }
    return Trigger.objects.create(project=made, **{**values, **fields})


def data(name: str = "rides.csv", rows: int = 200, shift: float = 0.0, seed: int = 1) -> Path:
    """A file below the data root: y is twice x plus noise, and `place` is one of three."""
    rng = random.Random(seed)
    path = Path(settings.GATEBOOK_DATA_ROOT) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["x,z,place,y"]
    for number in range(rows):
        x = rng.uniform(0, 10) + shift
        lines.append(f"{x:.4f},{rng.random():.4f},{'abc'[number % 3]},{2 * x + rng.gauss(0, 0.1):.4f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def training(**changes: Any) -> dict[str, Any]:
    """A quick training on `data()`, which is written if it is not there."""
    if not (Path(settings.GATEBOOK_DATA_ROOT) / "rides.csv").exists():
        data()
    return {
        "data": {"uri": "rides.csv", "format": "csv"},
        "target": "y",
        "task": "regression",
        "features": {"numeric": ["x", "z"]},
        "split": {"kind": "random", "test_share": 0.25, "seed": 1},
        "pipeline": {"estimator": "ridge", "params": {"alpha": 1.0}},
        "seed": 1,
        **changes,
    }


def actions(*names: str) -> list[str]:
    """The ledger's actions in order; of the given names only, if any are given."""
    every = Entry.objects.order_by("index").values_list("action", flat=True)
    return [action for action in every if not names or action in names]
