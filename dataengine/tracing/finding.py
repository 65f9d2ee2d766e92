"""What a user typed, taken for one picture: a path, the end of one, an image id, or the start of a hash."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path, PurePath

from dataengine.errors import InputError
from dataengine.files import sha256_file
from dataengine.leakage.film_names import film_key, is_by_content
from dataengine.terminal.progress import track

from .catalogue import SOURCES, Catalogue, CatalogueEntry
from .models import TracedModel
from .tables import PictureRow, normalised

LEAST_DIGITS = 6
_DIGITS = re.compile("[0-9a-f]+")
_HASH = re.compile(rf"[0-9a-f]{{{LEAST_DIGITS},64}}")
SHOWN, NEAREST = 4, 3


@dataclass(frozen=True, eq=False)
class FoundSample:
    """One picture of a project."""

    catalogue: Catalogue
    models: Sequence[TracedModel]
    sha256: str
    """Hash of its file, "" where there is none any more and nothing says it."""
    paths: tuple[Path, ...]
    """Where it lies, or lay."""
    places: frozenset[tuple[str, int] | None] = field(default_factory=frozenset)
    """Film by its content, and frame."""

    def rows(self, table: str) -> list[PictureRow]:
        """The rows of a set that are this picture: by path, by hash, or as the same frame of the same film."""
        return [row for row in self.catalogue.rows(table) if self._is(row)]

    def _is(self, row: PictureRow) -> bool:
        if row.path in self.paths or (self.sha256 and row.sha256 == self.sha256):
            return True
        return place_of(row) in self.places


def place_of(row: PictureRow) -> tuple[str, int] | None:
    """The frame of a film that is known by its content, so that it is the same wherever it is named."""
    return _film_place(*row.place) if row.place else None


def _film_place(video: str, frame: int) -> tuple[str, int] | None:
    return (film_key(video), frame) if is_by_content(video) and frame >= 0 else None


def find(catalogue: Catalogue, models: Sequence[TracedModel], wanted: str) -> FoundSample:
    """The picture that `wanted` stands for.

    Hashes that no file states are computed where nothing else matches, with a bar.

    Raises:
        InputError: nothing matches, or more than one picture does.
    """
    entries = catalogue.entries
    path = normalised(Path(wanted))
    if path.is_file():
        sha256 = sha256_file(path)
        matches = [entry for entry in entries if entry.path == path or entry.sha256 == sha256]
        if not matches and not any(model.learnt and sha256 in model.learnt for model in models):
            matches = [entry for entry in _hashed(catalogue, entries) if entry.sha256 == sha256]
            if not matches:
                raise _nothing(wanted, entries, catalogue)
        return _sample(catalogue, models, matches, sha256, path)
    matches = [entry for entry in entries if _is_named(entry, wanted)]
    if not matches and _HASH.fullmatch(wanted):
        matches = [entry for entry in _hashed(catalogue, entries) if entry.sha256.startswith(wanted)]
        matches = matches or _learnt_alone(models, wanted)
    if not matches:
        raise _nothing(wanted, entries, catalogue)
    pictures = _pictures(matches)
    if len(pictures) > 1:
        raise _several(wanted, list(pictures.values()))
    ((sha256, of_one),) = pictures.items()
    return _sample(catalogue, models, of_one, sha256 if _HASH.fullmatch(sha256) else "", None)


def _is_named(entry: CatalogueEntry, wanted: str) -> bool:
    if (wanted and wanted == entry.id) or (_HASH.fullmatch(wanted) and entry.sha256.startswith(wanted)):
        return True
    if entry.path is None:
        return False
    parts, asked = entry.path.parts, PurePath(wanted).parts
    ends = bool(asked) and parts[-len(asked) :] == asked
    return ends or entry.path.stem == wanted


def _hashed(catalogue: Catalogue, entries: Sequence[CatalogueEntry]) -> Iterable[CatalogueEntry]:
    """All entries, with the hashes of those of which no file states one."""
    unknown = [entry for entry in entries if not entry.sha256 and entry.path is not None and entry.path.is_file()]
    for entry in track(unknown, "hash pictures", total=len(unknown), unit="picture"):
        assert entry.path is not None
        yield replace(entry, sha256=sha256_file(entry.path))
    yield from (entry for entry in entries if entry.sha256)


def _learnt_alone(models: Sequence[TracedModel], wanted: str) -> list[CatalogueEntry]:
    """Pictures that a model has learnt from, and of which nothing else is left."""
    hashes = {sha256 for model in models for sha256 in model.learnt or () if sha256.startswith(wanted)}
    return [CatalogueEntry("learnt", "", None, sha256) for sha256 in sorted(hashes)]


def _pictures(matches: Sequence[CatalogueEntry]) -> Mapping[str, list[CatalogueEntry]]:
    """The entries by picture: its hash, computed where it has to be, or its path where the file is gone."""
    pictures: dict[str, list[CatalogueEntry]] = {}
    for entry in matches:
        key = entry.sha256
        if not key and entry.path is not None:
            key = sha256_file(entry.path) if entry.path.is_file() else str(entry.path)
        pictures.setdefault(key, []).append(entry)
    return pictures


def _sample(
    catalogue: Catalogue,
    models: Sequence[TracedModel],
    matches: Sequence[CatalogueEntry],
    sha256: str,
    path: Path | None,
) -> FoundSample:
    same = [*matches, *(entry for entry in catalogue.entries if sha256 and entry.sha256 == sha256)]
    with_files = [entry.path for entry in same if entry.path is not None and entry.path.is_absolute()]
    paths = dict.fromkeys([*([path] if path else []), *with_files])
    sample = FoundSample(catalogue, models, sha256, tuple(paths))
    places = {place_of(row) for table in SOURCES for row in sample.rows(table)} | _labelled_places(catalogue, sha256)
    sample = replace(sample, places=frozenset(places - {None}))
    own = [row.path for table in SOURCES for row in sample.rows(table)]
    return replace(sample, paths=tuple(dict.fromkeys([*paths, *own])))


def _labelled_places(catalogue: Catalogue, sha256: str) -> set[tuple[str, int] | None]:
    """The frames that the label store says a picture is."""
    return {
        _film_place(str(video), int(frame))
        for file in catalogue.label_files
        for key, video, frame in zip(
            file.sha256.tolist(), file.images.video.tolist(), file.images.frame.tolist(), strict=True
        )
        if key == sha256
    }


def _several(wanted: str, pictures: Sequence[Sequence[CatalogueEntry]]) -> InputError:
    shown = ", ".join(_words(each[0]) for each in pictures[:SHOWN])
    more = f" and {len(pictures) - SHOWN} more" if len(pictures) > SHOWN else ""
    return InputError(
        f"{wanted!r} stands for {len(pictures)} pictures",
        expected="one",
        got=shown + more,
        fix="give the path, or more digits of the hash",
    )


def _words(entry: CatalogueEntry) -> str:
    return f"{entry.where} {entry.path.name if entry.path else entry.sha256}"


def _nothing(wanted: str, entries: Sequence[CatalogueEntry], catalogue: Catalogue) -> InputError:
    names = sorted({entry.path.name for entry in entries if entry.path is not None})
    name = PurePath(wanted).name
    near = [each for each in names if name and name in each][:NEAREST] or get_close_matches(name, names, n=NEAREST)
    hint = f"nearest: {', '.join(near)}" if near else "`dvc pull` what is missing here, or correct it"
    if not near and len(wanted) < LEAST_DIGITS and _DIGITS.fullmatch(wanted):
        hint = f"of a hash give {LEAST_DIGITS} digits or more: {len(wanted)} are too few"
    return InputError(
        f"no picture {wanted!r}",
        expected=f"a path, the end of one, an image id, or at least {LEAST_DIGITS} digits of a SHA-256",
        got=f"none among {len(entries)} pictures of ingest, render, {len(catalogue.label_files)} label files and "
        f"{len(catalogue.rounds)} rounds, nor in what models have learnt",
        fix=hint,
    )
