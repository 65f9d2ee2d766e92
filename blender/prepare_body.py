"""Command `prepare-body`: build the body model's cache once. Set-up calls it before the first render."""

from pathlib import Path
from typing import Annotated

from dataengine.terminal.folders import out_folder_option

from .body.cache import prepare_body_cache


def command(
    cache: Annotated[Path, out_folder_option(help="Folder to build the body model in (0.2 GB once built).")],
) -> None:
    """Build the body model that every render command reads from its --cache.

    `make repro` runs it before the first render. It takes two to three minutes the first time, 3.7 GB of memory, and
    1.2 GB of disk while it builds; once the cache is there, it has nothing to do. Reads no params.

    Example: dataengine prepare-body --cache data/cache/anny
    """
    prepare_body_cache(cache)
