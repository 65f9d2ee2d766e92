"""What people changed in a dataset, by the hashes of what builds wrote (field `written` of each sample)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

WRITTEN = "written"
GIVEN = frozenset({"filepath", "metadata", "tags", "sha256", "created_at", "last_modified_at", WRITTEN})


def content_hash(value: Any) -> str:
    """Hash of a field's content, ids left out; tags that somebody put on a label count."""
    return hashlib.sha256(json.dumps(_without_ids(value), sort_keys=True).encode()).hexdigest()[:12]


def hashes(contents: Mapping[str, Any]) -> dict[str, str]:
    """Hash of each field's content."""
    return {name: content_hash(value) for name, value in contents.items()}


def own_tags(document: Mapping[str, Any], set_by_build: frozenset[str]) -> list[str]:
    """The tags of a sample that no build sets."""
    return [tag for tag in document.get("tags") or [] if tag not in set_by_build]


def was_edited(document: Mapping[str, Any], names: set[str]) -> bool:
    """Whether one of the fields `names` is not as it was written."""
    written = document.get(WRITTEN) or {}
    return any(content_hash(document[name]) != written.get(name) for name in names - {"tags"} if name in document)


def has_own_fields(document: Mapping[str, Any]) -> bool:
    """Whether somebody added a field."""
    known = GIVEN | set(document.get(WRITTEN) or {})
    return any(value is not None for name, value in document.items() if name not in known and not name.startswith("_"))


def _without_ids(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_ids(each) for name, each in value.items() if name != "_id"}
    if isinstance(value, list | tuple):
        return [_without_ids(each) for each in value]
    return value
