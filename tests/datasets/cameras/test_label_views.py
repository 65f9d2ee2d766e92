"""What one of several cameras labels."""

import numpy as np

from dataengine.datasets.cameras.label_views import ViewLabels
from dataengine.datasets.ingest import view_people
from dataengine.keypoints import VISIBLE
from dataengine.people import Images


def test_a_camera_labels_no_joint_that_it_does_not_show() -> None:
    """All joints were triangulated; three are projected beyond the edges of this view's picture."""
    keypoints = np.tile([50.0, 40.0], (1, 1, 17, 1))
    keypoints[0, 0, :4] = [[-1, 40], [101, 40], [50, 201], [99, 199]]
    labels = ViewLabels(
        keypoints, np.full((1, 1, 17), VISIBLE, np.uint8), np.zeros((1, 17, 3)), {}, np.zeros((1, 1, 17))
    )
    half = Images.build(id=[1], path=["a.jpg"], width=50, height=100)
    people = view_people(labels, 0, half, (0.5, 0.5))
    assert people.visibility[0].tolist() == [0, 0, 0] + [2] * 14
