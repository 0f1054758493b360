"""Gates that wait for a signature stand in the inbox of whoever may give it."""

from governance.queries.waiting import gates_to_sign
from lifecycle.inbox_sources import register

register("governance.gates_to_sign", gates_to_sign)
