"""The files that decide what a teacher's network answers, whoever made it."""

from pathlib import Path

from dataengine.files import sha256_file

BLAZEPOSE_FILES, NETWORK_FILES = "*.tflite", "model.*"
"""Names of BlazePose's models; and of a checkpoint's, an export's or an adopted network's files, sidecar included."""
MODELS = "mediapipe"
"""Folder of BlazePose's models in that which the stage fetch wrote."""


def network_hashes(folder: Path) -> list[str]:
    """Checksums of the network's files in `folder`, by name; an empty list where it holds none."""
    files = sorted([*folder.glob(BLAZEPOSE_FILES), *folder.glob(NETWORK_FILES)])
    return [sha256_file(file) for file in files if file.is_file()]
