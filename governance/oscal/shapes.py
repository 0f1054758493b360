"""The shape of an OSCAL catalog and profile as far as it is read; other fields are kept as they are."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[^\W\d][\w.\-]*$", max_length=255)]
Word = Annotated[str, StringConstraints(pattern=r"^\S(.*\S)?$", max_length=10_000)]
Prose = Annotated[str, StringConstraints(max_length=200_000)]


class Node(BaseModel):
    """Base of all: what is not named stays beside it."""

    model_config = ConfigDict(extra="allow", frozen=True)


class Prop(Node):
    name: Id
    value: Word
    ns: str = ""
    # `class` is a word of Python.
    sort: Annotated[str, Field(alias="class")] = ""


class Link(Node):
    href: Word
    rel: str = ""


class Select(Node):
    how_many: Annotated[str, Field(alias="how-many")] = ""
    choice: tuple[Prose, ...] = ()


class Param(Node):
    id: Id
    label: Prose = ""
    values: tuple[Prose, ...] = ()
    select: Select | None = None
    props: tuple[Prop, ...] = ()
    links: tuple[Link, ...] = ()


class Part(Node):
    id: Id | None = None
    name: Id
    title: Prose = ""
    prose: Prose = ""
    props: tuple[Prop, ...] = ()
    links: tuple[Link, ...] = ()
    parts: tuple[Part, ...] = ()


class Control(Node):
    id: Id
    title: Prose
    params: tuple[Param, ...] = ()
    props: tuple[Prop, ...] = ()
    links: tuple[Link, ...] = ()
    parts: tuple[Part, ...] = ()
    controls: tuple[Control, ...] = ()


class Group(Node):
    id: Id | None = None
    title: Prose
    params: tuple[Param, ...] = ()
    props: tuple[Prop, ...] = ()
    parts: tuple[Part, ...] = ()
    groups: tuple[Group, ...] = ()
    controls: tuple[Control, ...] = ()


class Metadata(Node):
    title: Word
    version: Word
    last_modified: Annotated[str, Field(alias="last-modified", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T\S+$")]
    oscal_version: Annotated[str, Field(alias="oscal-version", pattern=r"^1\.[0-9]+\.[0-9]+(-\S+)?$")]
    props: tuple[Prop, ...] = ()


class Resource(Node):
    uuid: str
    title: str = ""


class BackMatter(Node):
    resources: tuple[Resource, ...] = ()


class Catalog(Node):
    uuid: str
    metadata: Metadata
    params: tuple[Param, ...] = ()
    controls: tuple[Control, ...] = ()
    groups: tuple[Group, ...] = ()
    back_matter: Annotated[BackMatter, Field(alias="back-matter")] = BackMatter()


class Matching(Node):
    pattern: Word


class Selection(Node):
    with_ids: Annotated[tuple[Id, ...], Field(alias="with-ids")] = ()
    with_child_controls: Annotated[str, Field(alias="with-child-controls")] = "no"
    matching: tuple[Matching, ...] = ()


class Import(Node):
    href: Word
    include_all: Annotated[dict[str, Any] | None, Field(alias="include-all")] = None
    include_controls: Annotated[tuple[Selection, ...], Field(alias="include-controls")] = ()
    exclude_controls: Annotated[tuple[Selection, ...], Field(alias="exclude-controls")] = ()


class Profile(Node):
    uuid: str
    metadata: Metadata
    imports: tuple[Import, ...] = Field(min_length=1)
    modify: dict[str, Any] = {}
