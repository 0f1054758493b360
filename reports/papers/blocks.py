"""What a paper is made of. The same blocks become PDF, page and data."""

from dataclasses import dataclass, field
from datetime import date, datetime

from reports.charts import Figure
from reports.documents import Answer, EvidenceItem, LedgerExtract, Mark, ProjectHead, Signature, Verdict
from reports.papers.kinds import Kind

Value = str | int | float | date | datetime | Mark | None


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table. `key` names it in data; `width` in millimetres on paper, 0 shares what is left."""

    key: str
    title: str
    kind: Kind = Kind.TEXT
    width: int = 0
    digits: int = 3


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under a caption that says what they are. The first column of kind TEXT or CODE heads each row.

    `name` is the table's in data, `empty` what is said instead of a table without rows. `group` is the column
    at whose changes a heavier rule is drawn, -1 for none. `most` rows are drawn, 0 for all of them: data has
    them all.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]
    empty: str = ""
    note: str = ""
    compact: bool = False
    group: int = -1
    head: int = 0
    most: int = 0


@dataclass(frozen=True, kw_only=True)
class Prose:
    """A paragraph; `lead` is set in bold before it."""

    text: str
    lead: str = ""


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A figure; one without data is None and says `empty`."""

    name: str
    figure: Figure | None
    empty: str = ""


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A picture that is SVG already."""

    name: str
    svg: str
    alt: str
    conclusion: str
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A decision with the digest of what it was about."""

    mark: Mark
    code: str
    words: str
    digest: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Signers:
    """Electronic signatures, each with name, time, meaning and digest."""

    signatures: tuple[Signature, ...]


Block = Prose | Table | Chart | Drawing | Outcome | Signers


@dataclass(frozen=True, kw_only=True)
class Part:
    """A section. `answer` says in a sentence or two what it shows. `annex` numbers it by letter, `runon` lets
    it begin on its neighbour's page.
    """

    id: str
    title: str
    answer: str
    blocks: tuple[Block, ...]
    annex: bool = False
    runon: bool = True


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A report. Equal content gives a byte-identical body: nothing in it may come from a clock.

    `picture` and the five `answers` make the executive page, under the question that is `asked`; `facts`
    stand at the head of the first page.
    """

    kind: str
    name: str
    title: str
    report_id: str
    as_of: datetime
    language: str
    verdict: Verdict
    answers: tuple[Answer, ...]
    ledger: LedgerExtract
    parts: tuple[Part, ...]
    picture: Chart | Drawing | None = None
    project: ProjectHead | None = None
    since: datetime | None = None
    subtitle: str = ""
    asked: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    snapshots: tuple[EvidenceItem, ...] = ()
    opening: tuple[Block, ...] = field(default=())
    """Stands on the first page in the place of picture and five lines, for what must fit on one page."""

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables in reading order."""
        blocks = [*self.opening, *(block for part in self.parts for block in part.blocks)]
        return tuple(block for block in blocks if isinstance(block, Table))
