"""Stores and loads models with skops: no pickle, the same model gives the same bytes, digest first.

skops names the files inside its archive after memory addresses, so two dumps of one model differ.
The archive is therefore written anew: parts named by their content, sorted, with one fixed date.
"""

import hashlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import skops.io

from lifecycle.executors.datasets import file_digest
from lifecycle.executors.errors import ExecutorError, Invalid

TRUSTED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""Types that our allow-listed pipelines need beyond those that skops itself trusts."""
MAX_MODEL_BYTES = 256 * 1024**2
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


def dump_model(content: dict[str, Any]) -> bytes:
    """`content` (plain values and a fitted pipeline) as the bytes of a skops archive."""
    with ZipFile(io.BytesIO(skops.io.dumps(content))) as archive:
        parts = {name: archive.read(name) for name in archive.namelist() if name != "schema.json"}
        schema = json.loads(archive.read("schema.json"))
    names = {name: hashlib.sha256(part).hexdigest()[:32] + Path(name).suffix for name, part in parts.items()}
    by_content = {names[name]: part for name, part in parts.items()}
    text = json.dumps(_without_addresses(schema, names), sort_keys=True, separators=(",", ":"))
    by_content["schema.json"] = text.encode()
    return _pack(by_content)


def _without_addresses(node: Any, names: dict[str, str]) -> Any:
    if isinstance(node, list):
        return [_without_addresses(item, names) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: _without_addresses(item, names) for key, item in node.items() if key != "__id__"}
    file = kept.get("file")
    if isinstance(file, str) and file in names:
        kept["file"] = names[file]
    return kept


def _pack(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        for name in sorted(parts):
            info = ZipInfo(name, date_time=_FIXED_DATE)
            info.create_system = 3  # else the byte for the operating system would differ between machines
            archive.writestr(info, parts[name], compress_type=ZIP_DEFLATED, compresslevel=6)
    return buffer.getvalue()


def save_model(content: dict[str, Any], folder: Path) -> tuple[Path, str, int]:
    """Writes `<sha256>.skops` into `folder`, whole or not at all; gives path, digest and size in bytes."""
    data = dump_model(content)
    digest = hashlib.sha256(data).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{digest}.skops"
    handle, temporary = tempfile.mkstemp(dir=folder, suffix=".part")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    Path(temporary).replace(path)
    return path, digest, len(data)


def read_model_file(path: Path, expected_sha256: str) -> dict[str, Any]:
    """The content of a model file, after its digest was found right.

    Raises Invalid when the file is missing, has another digest or holds a type off the list.
    """
    if not path.is_file():
        raise Invalid("model_missing", f"There is no model file “{path.name}”.", "/model_sha256")
    if path.stat().st_size > MAX_MODEL_BYTES:
        raise Invalid("model_too_large", f"The model file “{path.name}” is too large.", "/model_sha256")
    digest = file_digest(path)
    if digest != expected_sha256:
        text = (
            f"The model file “{path.name}” was changed: its SHA-256 is {digest}, expected {expected_sha256}."
        )
        raise Invalid("model_digest_differs", text, "/model_sha256")
    return _load_trusted(path)


def _load_trusted(path: Path) -> dict[str, Any]:
    try:
        foreign = sorted(set(skops.io.get_untrusted_types(file=path)) - set(TRUSTED))
        if foreign:
            text = f"The model file “{path.name}” holds types that are not trusted: {', '.join(foreign)}."
            raise Invalid("model_type_not_trusted", text, "/model_sha256")
        content = skops.io.load(path, trusted=list(TRUSTED))
    except (BadZipFile, KeyError, ValueError, TypeError) as error:
        raise ExecutorError("load model", f"“{path.name}” is not a model file: {error}") from error
    if not isinstance(content, dict):
        raise ExecutorError("load model", f"“{path.name}” does not hold a model of Gatebook.")
    return content
