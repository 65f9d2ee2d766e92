"""Command `prepare-body`: build the body model's cache once. Set-up calls it before the first render."""

from pathlib import Path
from typing import Annotated

import typer

from .body.cache import prepare_body_cache


def command(
    cache: Annotated[Path, typer.Option(help="Folder that keeps the built body model (about 0.2 GB).")],
) -> None:
    """Build the body model's cache. Takes two to three minutes once, no time when it is there.

    Example: dataengine prepare-body --cache data/cache/anny
    """
    prepare_body_cache(cache)
