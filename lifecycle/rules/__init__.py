"""Who may: predicates over an actor and a record."""

from lifecycle.rules.connectors import (
    can_manage_connectors,
    can_see_connectors,
    can_sync,
    can_write_rules,
)
from lifecycle.rules.handoffs import can_cancel, can_decide_handoff, can_offer
from lifecycle.rules.people import (
    can_change,
    can_create_projects,
    can_manage_people,
    can_manage_processes,
    is_machine,
    sees_everything,
)
from lifecycle.rules.projects import (
    can_audit,
    can_contribute,
    can_manage_project,
    can_review,
    can_see_project,
    can_take_part,
    role_in,
    takes_part,
)
from lifecycle.rules.risks import MOST_LOOPS, is_at_limit

__all__ = [
    "MOST_LOOPS",
    "can_audit",
    "can_cancel",
    "can_change",
    "can_contribute",
    "can_create_projects",
    "can_decide_handoff",
    "can_manage_connectors",
    "can_manage_people",
    "can_manage_processes",
    "can_manage_project",
    "can_offer",
    "can_review",
    "can_see_connectors",
    "can_see_project",
    "can_sync",
    "can_take_part",
    "can_write_rules",
    "is_at_limit",
    "is_machine",
    "role_in",
    "sees_everything",
    "takes_part",
]
