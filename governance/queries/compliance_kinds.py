"""All kinds of records that checks judge: importing this registers them."""

from governance.queries import compliance_decisions, compliance_work  # noqa: F401  # registers the kinds
from governance.queries.compliance_records import known_kinds, records_of, scope_of

__all__ = ["known_kinds", "records_of", "scope_of"]
