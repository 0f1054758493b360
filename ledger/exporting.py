"""The ledger as files that anybody can keep: its entries line by line, or the static tree of tlog-tiles."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from ledger.models import Checkpoint, Entry
from ledger.publishing import checkpoint_text, entry_bundle, leaf_bytes_of
from ledger.tiles import WIDTH, tile_hashes

CHUNK = 2000
Progress = Callable[[int, int], None]


def tile_name(number: int) -> str:
    """A tile's number as a path: 1234067 gives `x001/x234/067` (tlog-tiles)."""
    digits = f"{number:d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])


def tiles_of(size: int) -> Iterator[tuple[int, int, int]]:
    """Every tile of a tree of this size as level, number and width; partial ones last in their level."""
    level = 0
    while (hashes := size >> (8 * level)) > 0:
        for number in range(hashes // WIDTH):
            yield level, number, WIDTH
        if rest := hashes % WIDTH:
            yield level, hashes // WIDTH, rest
        level += 1


def export_tiles(folder: Path, checkpoint: Checkpoint, progress: Progress | None = None) -> int:
    """Write `checkpoint`, `tile/…` and `tile/entries/…` below a folder; full tiles that are there stay.

    A web server that serves the folder is a mirror of the log. Returns the number of files written.
    """
    written = 0
    listed = list(tiles_of(checkpoint.size))
    for done, (level, number, width) in enumerate(listed):
        name = tile_name(number) + ("" if width == WIDTH else f".p/{width}")
        written += _write(folder / f"tile/{level}/{name}", tile_hashes, level, number, width)
        if level == 0:
            written += _write(folder / f"tile/entries/{name}", entry_bundle, number, width)
        if progress:
            progress(done + 1, len(listed))
    _replace(folder / "checkpoint", checkpoint_text(checkpoint).encode())  # last: it promises the rest
    return written + 1


def export_lines(out: TextIO, checkpoint: Checkpoint, progress: Progress | None = None) -> int:
    """Write one JSON object an entry, with leaf and payload, and the checkpoint as the last line.

    In constant memory. `leaf` is the very text that is hashed; `payload` is null where it was erased.
    """
    entries = Entry.objects.select_related("payload").filter(index__lt=checkpoint.size).order_by("index")
    for entry in entries.iterator(chunk_size=CHUNK):
        out.write(json.dumps(_line(entry), ensure_ascii=False) + "\n")
        if progress and entry.index % CHUNK == 0:
            progress(entry.index, checkpoint.size)
    out.write(json.dumps({"checkpoint": checkpoint_text(checkpoint)}, ensure_ascii=False) + "\n")
    return checkpoint.size


def _line(entry: Entry) -> dict[str, object]:
    payload = entry.payload
    kept = None if payload.erased else {"salt": bytes(payload.salt or b"").hex(), "body": payload.body}
    return {
        "index": entry.index,
        "leaf": leaf_bytes_of(entry).decode(),
        "leaf_hash": entry.leaf_hash,
        "payload": kept,
    }


def _write(path: Path, content: Callable[..., bytes], *arguments: int) -> int:
    if path.exists():
        return 0
    _replace(path, content(*arguments))
    return 1


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.new")
    draft.write_bytes(content)
    draft.replace(path)
