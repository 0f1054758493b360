"""Documents as YAML: read with care, written so that reading gives the same document back."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml
from django.utils.translation import gettext as _
from pydantic import ValidationError

from ledger.errors import Invalid
from lifecycle.definitions.checks import Problem, problems
from lifecycle.definitions.digests import plain
from lifecycle.definitions.document import ProcessDocument
from lifecycle.shapes import fault_words

MAX_BYTES = 1024 * 1024
"""The longest YAML text that is read."""

MAX_DEPTH = 32
"""How deep mappings and lists may lie in each other."""

_SHOWN = 10
_SHORT_LIST = 80
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_INT = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})$")
_FLOAT = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]{1,3})?|[eE][-+]?[0-9]{1,3})$")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


def load_yaml(text: str | bytes) -> ProcessDocument:
    """Read and check a document.

    Raises `Invalid` whose `where` names the first wrong place and whose text names up to ten: for text
    that is too long (1 MiB) or no UTF-8 YAML, for anchors, aliases, tags, duplicate keys, deep nesting,
    and for everything that `problems` finds.
    """
    return parse(read_yaml(text))


def parse(data: object) -> ProcessDocument:
    """A checked document from plain data such as JSON; raises `Invalid` as `load_yaml` does."""
    if not isinstance(data, dict):
        text = _("A process document has named fields, such as “key: …”.")
        raise Invalid("shape", text, "document")
    try:
        doc = ProcessDocument.model_validate(data)
    except ValidationError as error:
        raise _refusal(_shape_problems(error)) from error
    found = problems(doc)
    if found:
        raise _refusal(found)
    return doc


def stored(data: object) -> ProcessDocument:
    """A document that was checked before it was stored: what has become known since cannot unmake it."""
    return ProcessDocument.model_validate(data)


def problems_in(data: object) -> list[Problem]:
    """Everything that is wrong with plain data: its shape, or what `problems` finds if the shape is right."""
    try:
        doc = ProcessDocument.model_validate(data)
    except ValidationError as error:
        return _shape_problems(error)
    return problems(doc)


def dump_yaml(doc: ProcessDocument) -> str:
    """A document as YAML; `load_yaml(dump_yaml(doc)) == doc`. Values at their default are left out."""
    return str(yaml.dump(plain(doc), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110))


class _Dumper(_DUMPER):  # type: ignore[misc]  # chosen at run time
    """Writes no anchors: the reader refuses them."""

    def ignore_aliases(self, data: object) -> bool:
        return True

    def represent_word(self, data: str) -> Any:
        """Text that the reader would take for a number or a word such as `true` is put in quotes."""
        style = None if isinstance(_scalar(data), str) else "'"
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    def represent_items(self, data: list[object]) -> Any:
        """A short list of words is written on one line."""
        words = [item for item in data if isinstance(item, str)]
        short = len(words) == len(data) and sum(map(len, words)) <= _SHORT_LIST
        return self.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=short)


_Dumper.add_representer(str, _Dumper.represent_word)
_Dumper.add_representer(list, _Dumper.represent_items)


def read_yaml(text: str | bytes) -> object:
    """Plain data from YAML that uses only what JSON has; raises `Invalid` with the line."""
    raw = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
    if len(raw) > MAX_BYTES:
        limit = MAX_BYTES // 1024
        raise Invalid("too_long", _("The document is longer than %(limit)d KiB.") % {"limit": limit})
    try:
        words = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = {"position": error.start}
        raise Invalid("not_utf8", _("The document is not UTF-8 (byte %(position)d).") % place) from error
    try:
        return _Reader(words).document()
    except yaml.YAMLError as error:
        if isinstance(error, yaml.reader.ReaderError):  # has no line, but a position
            line = words.count("\n", 0, int(error.position)) + 1
            code = {"line": line, "code": f"U+{ord(words[int(error.position)]):04X}"}
            text = _("Line %(line)d: the character %(code)s is not possible.") % code
            raise Invalid("not_yaml", text, f"line {line}") from error
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        problem = getattr(error, "problem", None) or str(error)
        text = _("Line %(line)d: %(problem)s.") % {"line": line, "problem": problem}
        raise Invalid("not_yaml", text, f"line {line}") from error


class _Reader:
    """Builds plain data from parser events, so that nothing is expanded before it is checked."""

    def __init__(self, words: str) -> None:
        self.events = yaml.parse(words, Loader=_LOADER)

    def document(self) -> object:
        next(self.events)  # stream start
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            raise Invalid("empty", _("The document is empty."))
        data = self._value(next(self.events), 1)
        next(self.events)  # document end
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            raise self._no("second_document", event, _("there is a second document"))
        return data

    def _value(self, event: Any, depth: int) -> object:
        self._refuse_tricks(event, depth)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            items = []
            while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
                items.append(self._value(event, depth + 1))
            return items
        return self._mapping(depth)

    def _mapping(self, depth: int) -> dict[Hashable, object]:
        mapping: dict[Hashable, object] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, str):
                raise self._no("key_not_text", event, _("a key must be text; put it in quotes"))
            if key in mapping:
                raise self._no("duplicate_key", event, _("the key “%(key)s” is there twice") % {"key": key})
            mapping[key] = self._value(next(self.events), depth + 1)
        return mapping

    def _refuse_tricks(self, event: Any, depth: int) -> None:
        if isinstance(event, yaml.AliasEvent):
            raise self._no("alias", event, _("aliases (*%(name)s) are not read") % {"name": event.anchor})
        if event.anchor is not None:
            raise self._no("alias", event, _("anchors (&%(name)s) are not read") % {"name": event.anchor})
        if event.tag is not None and event.tag != "!":
            raise self._no("tag", event, _("tags (%(tag)s) are not read") % {"tag": event.tag})
        if depth > MAX_DEPTH:
            raise self._no("too_deep", event, _("nested deeper than %(depth)d") % {"depth": MAX_DEPTH})

    @staticmethod
    def _no(code: str, event: Any, text: str) -> Invalid:
        line = event.start_mark.line + 1
        return Invalid(code, _("Line %(line)d: %(text)s.") % {"line": line, "text": text}, f"line {line}")


def _scalar(word: str) -> object:
    """YAML 1.2's core words only: no `yes`, no dates, no `12:30` as a number."""
    if word in _WORDS:
        return _WORDS[word]
    if _INT.match(word):
        return int(word)
    if _FLOAT.match(word):
        return float(word)
    return word


def _shape_problems(error: ValidationError) -> list[Problem]:
    return [
        Problem("shape", _path(item["loc"]), fault_words(item)) for item in error.errors(include_url=False)
    ]


def _path(loc: tuple[int | str, ...]) -> str:
    path = ""
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def _refusal(found: list[Problem]) -> Invalid:
    lines = [str(problem) for problem in found[:_SHOWN]]
    if len(found) > _SHOWN:
        lines.append(_("and %(count)d more") % {"count": len(found) - _SHOWN})
    return Invalid(found[0].code, "\n".join(lines), found[0].where)
