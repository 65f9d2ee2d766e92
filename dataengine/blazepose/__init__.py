"""BlazePose: a person detector and a 33-landmark model, run by LiteRT and read as COCO-17 keypoints.

The pipeline is MediaPipe's (`mediapipe/modules/pose_landmark`, V. Bazarevsky et al., "BlazePose: On-device
Real-time Body Pose tracking", 2020): the detector finds hip centre and body scale, these make a rotated square
region, the landmark model reads the region and says where the next frame should look.
Files: `roi.py` the rotated square, `detector.py`, `landmarks.py`, `model.py` the two together;
`in_boxes.py` the pose of each given person, `in_images.py` everybody in images and videos.
"""

from .detector import Detection
from .landmarks import Landmarks
from .model import BlazePose
from .roi import Roi

__all__ = ["BlazePose", "Detection", "Landmarks", "Roi"]
