"""Files: whole or absent, JSON within bounds, hashes.

`whole.py` writes through drafts and locks folders, `json_text.py` writes and reads JSON, with memory bounded by
`memory_bound.py`; `hashes.py` names contents, `foreign.py` knows what others leave among their files.
"""

from dataengine.files.foreign import DAMAGED_ZIP, is_junk
from dataengine.files.hashes import sha256_file, short_sha256
from dataengine.files.json_text import RepeatedKeys, flat_items, json_files, read_json, write_json
from dataengine.files.memory_bound import PARSER_MEMORY_LEAST, bounded_memory
from dataengine.files.whole import atomic_path, fresh_folder, locked_folder, scratch_folder, write_faults_named

__all__ = [
    "DAMAGED_ZIP",
    "PARSER_MEMORY_LEAST",
    "RepeatedKeys",
    "atomic_path",
    "bounded_memory",
    "flat_items",
    "fresh_folder",
    "is_junk",
    "json_files",
    "locked_folder",
    "read_json",
    "scratch_folder",
    "sha256_file",
    "short_sha256",
    "write_faults_named",
    "write_json",
]
