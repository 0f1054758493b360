"""Stores and loads models with skops: no pickle, the same model gives the same bytes, digest first.

skops names the files inside its archive after memory addresses, so two dumps of one model differ.
The archive is therefore written anew: parts named by their content, sorted, with one fixed date.
"""

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
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
MAX_UNPACKED = 1024**3
MAX_PARTS = 20_000
MAX_RATIO = 200
MIN_BOMB = 16 * 1024**2
"""Parts up to this size may be packed as tightly as they like: a table of zeros is no attack."""
_PROTOCOLS = (b"\x02", b"\x03", b"\x04", b"\x05")
_OLD_PICKLE = (b"(l", b"(d", b"(i", b"cc", b"cs", b"cn", b"ci")
_PACKED = (
    b"\x78\x9c",
    b"\x78\x01",
    b"\x78\xda",
    b"\x78\x5e",
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x04\x22\x4d\x18",
)
_PICKLE = (
    "“{name}” is a pickle. A pickle is a program and is never loaded: save the model with skops or as ONNX."
)
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


def read_model_file(path: Path, expected_sha256: str) -> Any:
    """What a model file holds, after its digest was found right: our content, or a pipeline made elsewhere.

    Raises Invalid when the file is missing, has another digest, is a pickle, unpacks to too much or holds a
    type off the list.
    """
    prove_digest(path, expected_sha256)
    return _load_trusted(path)


def prove_digest(path: Path, expected_sha256: str) -> None:
    """Raises Invalid unless the file is there, of bounded size, and has the digest."""
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


def model_format(path: Path) -> Literal["skops", "onnx"]:
    """What a model file is, by its first bytes. A pickle is refused: loading one runs what it says."""
    with path.open("rb") as file:
        start = file.read(16)
    if (start[:1] == b"\x80" and start[1:2] in _PROTOCOLS) or start[:2] in _OLD_PICKLE:
        raise Invalid("model_is_pickle", _PICKLE.format(name=path.name), "/model_sha256")
    if start.startswith(_PACKED):
        text = f"“{path.name}” is a packed file, as joblib writes them. {_PICKLE.format(name=path.name)}"
        raise Invalid("model_is_pickle", text, "/model_sha256")
    if start.startswith(b"PK"):
        return "skops"
    if start[:1] == b"\x08":  # the first field of an ONNX model is its version
        return "onnx"
    text = f"“{path.name}” is neither a skops file nor an ONNX model."
    raise Invalid("model_format_unknown", text, "/model_sha256")


def check_archive(path: Path) -> None:
    """Raises Invalid for an archive that unpacks to too much, or whose parts would leave their folder."""
    try:
        with ZipFile(path) as archive:
            parts = archive.infolist()
    except BadZipFile as error:
        raise ExecutorError("load model", f"“{path.name}” is not a model file: {error}") from error
    whole = sum(part.file_size for part in parts)
    if len(parts) > MAX_PARTS or whole > MAX_UNPACKED:
        text = (
            f"“{path.name}” unpacks to {whole:,} bytes in {len(parts):,} parts;"
            f" at most {MAX_UNPACKED:,} in {MAX_PARTS:,} are read."
        )
        raise Invalid("model_unpacks_too_large", text, "/model_sha256")
    for part in parts:
        if part.file_size > MIN_BOMB and part.file_size > MAX_RATIO * max(part.compress_size, 1):
            text = (
                f"“{part.filename}” in “{path.name}” is packed more than {MAX_RATIO} to 1: this is no model."
            )
            raise Invalid("model_unpacks_too_large", text, "/model_sha256")
        if part.filename.startswith(("/", "\\")) or ".." in Path(part.filename).parts:
            text = f"“{path.name}” holds the path “{part.filename}”, which leads out of it."
            raise Invalid("model_path_escapes", text, "/model_sha256")
        if part.filename.endswith((".pkl", ".pickle", ".joblib")):
            raise Invalid("model_is_pickle", _PICKLE.format(name=path.name), "/model_sha256")


def _load_trusted(path: Path) -> Any:
    check_archive(path)
    foreign = sorted(set(_reading(path, lambda: skops.io.get_untrusted_types(file=path))) - set(TRUSTED))
    if foreign:
        text = f"The model file “{path.name}” holds types that are not trusted: {', '.join(foreign)}."
        raise Invalid("model_type_not_trusted", text, "/model_sha256")
    return _reading(path, lambda: skops.io.load(path, trusted=list(TRUSTED)))


def _reading(path: Path, read: Callable[[], Any]) -> Any:
    """What `read` gives; ExecutorError for whatever skops raises on a file that was made up."""
    try:
        return read()
    except Exception as error:
        first = (str(error).strip().splitlines() or [""])[0][:300]
        raise ExecutorError("load model", f"“{path.name}” is not a model file: {first}") from error
