"""The fingerprint of a rendered image: a hash of everything that decides its pixels and labels."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from dataengine.files import sha256_file
from dataengine.geometry import cameras, pixel_grid
from dataengine.poses import embedding, known_poses

from ..body.cache import BODY_CACHE_VERSION
from ..scene.params import RenderParams
from ..scene.surroundings import surrounding_files
from ..workers.interpreter import about, blender_python
from .sources import STILLS, sources_sha256

# Changing one of these changes no pixel, so the images are kept.
_PARAMS_WITHOUT_PIXELS = (
    "images",
    "workers",
    "max_skipped_share",
    "image_timeout_s",
    "images_per_worker",
    "device_proof_s",
    "python",
)
# kernel modules that decide which poses are drawn and where labels lie
_KERNEL = (cameras, pixel_grid, embedding, known_poses)


def render_fingerprint(params: RenderParams) -> str:
    """Hex SHA-256 of what decides pixels and labels: params, this room's sources and poses, library versions."""
    decisive = {
        "params": {name: value for name, value in asdict(params).items() if name not in _PARAMS_WITHOUT_PIXELS},
        "sources": [sources_sha256(*STILLS), *(sha256_file(Path(str(module.__file__))) for module in _KERNEL)],
        "motions": [sha256_file(Path(motion)) for motion in params.motions],
        "surroundings": [sha256_file(path) for path in surrounding_files(params)],
        "body": BODY_CACHE_VERSION,
        "bpy": about(blender_python(params.python)).bpy,
    }
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()
