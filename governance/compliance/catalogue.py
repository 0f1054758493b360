"""The frameworks and checks that Gatebook ships. Two are made from the catalogues of the process."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from governance.compliance.documents import (
    CheckDocument,
    FrameworkDocument,
    Judgement,
    parse_framework,
    read_framework,
    refuse_unreadable,
)
from lifecycle.definitions.builtin import catalogue as process_catalogue
from lifecycle.definitions.stack import stack_catalogue
from lifecycle.definitions.text import read_yaml

_DONE = "it.done && (it.not_applicable || (it.two_people && it.evidence > 0 && !it.evidence_changed))"
FOLDER = Path(__file__).parent.parent / "frameworks"
PROCESS_KEY, SCORE_KEY = "crisp-ml-q", "ml-test-score"


@cache
def checks() -> dict[str, CheckDocument]:
    """All checks by key; read once in a process."""
    data: Any = read_yaml((FOLDER / "checks.yaml").read_bytes())
    found = [CheckDocument.model_validate(each) for each in data["checks"]]
    for each in found:
        if each.judges is not None:
            refuse_unreadable(each.judges, each.id)
    return {each.id: each for each in found}


@cache
def frameworks() -> tuple[FrameworkDocument, ...]:
    """All frameworks that ship, in the order of their keys; read once in a process."""
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.stem != "checks")
    read = [read_framework(path.read_bytes(), checks()) for path in files]
    return tuple(sorted([*read, _process(), _score()], key=lambda each: each.key))


def _process() -> FrameworkDocument:
    """CRISP-ML(Q): one control for each task of the process that ships."""
    document = process_catalogue()
    groups = [
        {
            "id": f"crisp-{phase.key.lower()}",
            "title": f"{phase.key} {phase.name}",
            "controls": [
                {
                    "id": f"crisp-{task.key.lower()}",
                    "label": task.key,
                    "title": task.name,
                    "tasks": [task.key],
                    "judges": _task_judgement(task.key),
                }
                for task in document.tasks
                if task.phase == phase.key
            ],
        }
        for phase in document.phases
    ]
    return parse_framework(
        {
            "key": PROCESS_KEY, "title": "CRISP-ML(Q)", "version": "2021", "kind": "process",
            "as_of": "2026-11-23", "groups": groups,
            "source": "Studer et al. 2021, Towards CRISP-ML(Q), and ml-ops.org",
        },
        checks(),
    )  # fmt: skip


def _task_judgement(key: str) -> dict[str, str]:
    return {
        "about": "tasks",
        "key": key,
        "counts": "it.mandatory || it.begun",
        "holds": _DONE,
        "waits": "!it.done && !it.reopened && !it.overdue",
    }


def _score() -> FrameworkDocument:
    """The ML Test Score: one control for each of its 28 items, met with the whole point."""
    rubric = stack_catalogue().test_score
    groups = [
        {
            "id": f"mlts-{section.key}",
            "title": section.name,
            "controls": [
                {
                    "id": f"mlts-{item.key.lower()}",
                    "label": item.key,
                    "title": item.text.rstrip("."),
                    "tasks": list(item.tasks),
                    "judges": {
                        "about": "score_items",
                        "key": item.key,
                        "counts": "it.points > 0.0 || it.proven",
                        "holds": "it.points == 1.0 && !it.claims_more",
                        "waits": "it.points == 0.5 && !it.claims_more",
                    },
                }
                for item in section.items
            ],
        }
        for section in rubric.sections
    ]
    return parse_framework(
        {
            "key": SCORE_KEY, "title": "ML Test Score", "version": "2017", "kind": "guidance",
            "as_of": "2026-11-23", "groups": groups,
            "source": "Breck et al. 2017, The ML Test Score",
        },
        checks(),
    )  # fmt: skip


def judgement_of(check_key: str) -> Judgement | None:
    """How the check of this name judges; None if only a person can answer it. Raises KeyError."""
    return checks()[check_key].judges
