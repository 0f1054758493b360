"""Which models a Kubernetes object would run: pure reading of an AdmissionReview, closed by default."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from governance.errors import Invalid

API_VERSION = "admission.k8s.io/v1"
DIGEST_ANNOTATION = "gatebook/model-digest"
SCOPE_ANNOTATION = "gatebook/scope"
_PINNED = re.compile(r"(?:@sha256:|#sha256[=:])([0-9a-fA-F]{64})\Z")
_SERVING = ("serving.kserve.io", "serving.kubeflow.org")
_DEPTH = 40


@dataclass(frozen=True)
class Claim:
    """One place of the object that names a model or an image. `digest` is what the text itself pins."""

    where: str
    text: str
    digest: str = ""
    image: bool = False


@dataclass(frozen=True)
class Question:
    """What an AdmissionReview asks."""

    uid: str
    operation: str
    namespace: str
    kind: str
    name: str
    dry_run: bool
    judged: bool
    annotated: tuple[str, ...]
    scope: Mapping[str, list[str]]
    claims: tuple[Claim, ...]


class Named(NamedTuple):
    """What names an object in its cluster."""

    group: str
    kind: str
    namespace: str
    name: str


def read_name(found: object, where: str = "object") -> Named:
    """What names an object as a cluster keeps it. Raises `Invalid` with the place."""
    held = _mapping(found, where)
    metadata = _mapping(held.get("metadata"), f"{where}.metadata")
    name, namespace = metadata.get("name"), metadata.get("namespace") or ""
    if not isinstance(name, str) or not name or not isinstance(namespace, str):
        raise Invalid("no_name", _("The object has no name."), f"{where}.metadata.name")
    group = str(held.get("apiVersion", "")).rpartition("/")[0]
    return Named(group, str(held.get("kind", "")), namespace, name)


def read_object(found: object, where: str = "object") -> Question:
    """Read an object as if it were to be admitted. Raises `Invalid` as `read_review` does."""
    named = read_name(found, where)
    request = {
        "uid": "running", "operation": "CREATE", "namespace": named.namespace, "name": named.name,
        "kind": {"group": named.group, "kind": named.kind}, "object": found,
    }  # fmt: skip
    return read_review({"kind": "AdmissionReview", "apiVersion": API_VERSION, "request": request})


def uid_in(review: object) -> str:
    """The request's uid, "" where it cannot be found: an answer needs it whatever else is wrong."""
    request = review.get("request") if isinstance(review, dict) else None
    uid = request.get("uid") if isinstance(request, dict) else None
    return uid if isinstance(uid, str) and len(uid) <= 200 else ""


def read_review(review: object) -> Question:
    """Read a review. Raises `Invalid` naming the place that is not as Kubernetes sends it."""
    if not isinstance(review, dict) or review.get("kind") != "AdmissionReview":
        raise Invalid("no_review", _("The body is no AdmissionReview."), "kind")
    if review.get("apiVersion") != API_VERSION:
        text = _("The review is of %(version)s; only %(known)s is understood.")
        words = {"version": str(review.get("apiVersion"))[:60], "known": API_VERSION}
        raise Invalid("unknown_version", text % words, "apiVersion")
    request = _mapping(review.get("request"), "request")
    if not uid_in(review):
        raise Invalid("no_uid", _("The request has no uid."), "request.uid")
    kind = _mapping(request.get("kind"), "request.kind")
    operation = str(request.get("operation", ""))
    judged = operation in ("CREATE", "UPDATE") and request.get("subResource") in (
        None,
        "",
        "ephemeralcontainers",
    )
    found = _mapping(request.get("object"), "request.object") if judged else {}
    named = f"{kind.get('group', '')}/{kind.get('kind', '')}"
    annotations = _annotations(found)
    return Question(
        uid=uid_in(review), operation=operation, namespace=str(request.get("namespace", "")), kind=named,
        name=str(request.get("name", "")), dry_run=request.get("dryRun") is True, judged=judged,
        annotated=_digests(annotations.get(DIGEST_ANNOTATION, "")),
        scope=_scope(annotations.get(SCOPE_ANNOTATION, "")),
        claims=tuple(_claims(found.get("spec"), str(kind.get("group", "")) in _SERVING)),
    )  # fmt: skip


def _mapping(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Invalid("no_object", _("There should be an object."), where)
    return value


def _annotations(found: Mapping[str, Any]) -> dict[str, str]:
    """Those of the object, then those of its pod template: a template's say the same or more."""
    held: dict[str, str] = {}
    spec = found.get("spec")
    template = spec.get("template") if isinstance(spec, dict) else None
    for part in (template, found):
        metadata = part.get("metadata") if isinstance(part, dict) else None
        given = metadata.get("annotations") if isinstance(metadata, dict) else None
        if isinstance(given, dict):
            held |= {str(key): str(value) for key, value in given.items()}
    return held


def _digests(text: str) -> tuple[str, ...]:
    found = []
    for each in text.split(","):
        digest = each.strip().lower().removeprefix("sha256:")
        if digest and not re.fullmatch(r"[0-9a-f]{64}", digest):
            raise Invalid(
                "digest_unreadable",
                _("A model digest is a SHA-256: 64 hexadecimal digits."),
                DIGEST_ANNOTATION,
            )
        found += [digest] if digest else []
    return tuple(found)


def _scope(text: str) -> dict[str, list[str]]:
    """`country=US,IT;segment=retail`."""
    scope: dict[str, list[str]] = {}
    for part in filter(None, (each.strip() for each in text.split(";"))):
        key, sign, values = part.partition("=")
        named = [each.strip() for each in values.split(",") if each.strip()]
        if not sign or not key.strip() or not named:
            raise Invalid(
                "scope_unreadable", _("A scope is written key=value,value;key=value."), SCOPE_ANNOTATION
            )
        scope.setdefault(key.strip(), []).extend(named)
    return scope


def _claims(value: object, serving: bool, where: str = "spec", depth: int = 0) -> Iterator[Claim]:  # noqa: FBT001
    """Every place that names a model or image, wherever it lies: a path nobody listed is found too."""
    if depth > _DEPTH:
        raise Invalid("too_deep", _("The object is nested too deeply."), where)
    if isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _claims(inner, serving, f"{where}[{number}]", depth + 1)
    elif isinstance(value, dict):
        yield from _here(value, serving, where)
        for key, inner in value.items():
            yield from _claims(inner, serving, f"{where}.{key}", depth + 1)


def _here(value: dict[str, Any], serving: bool, where: str) -> Iterator[Claim]:  # noqa: FBT001
    if value.get("name") in ("STORAGE_URI", "MODEL_URI") and ("value" in value or "valueFrom" in value):
        yield _named(f"{where}.value", str(value.get("value", "")))
    if "image" in value and "name" in value:
        found = _PINNED.search(str(value["image"]))
        yield Claim(f"{where}.image", str(value["image"]), found[1].lower() if found else "", image=True)
    if not serving:
        return
    for key in ("storageUri", "uri"):
        if key in value:
            yield _named(f"{where}.{key}", str(value[key]))
    if isinstance(value.get("storageUris"), list):
        yield from (
            _named(f"{where}.storageUris", str(each))
            for each in value["storageUris"]
            if not isinstance(each, dict)
        )
    storage = value.get("storage")
    if isinstance(storage, dict) and ({"path", "key", "parameters"} & set(storage)):
        yield Claim(f"{where}.storage", f"{storage.get('key', '')}/{storage.get('path', '')}")


def _named(where: str, text: str) -> Claim:
    found = _PINNED.search(text)
    return Claim(where, text, found[1].lower() if found else "")
