"""The labels that CVAT has to be told of before it takes our XML: what its raw label constructor is given.

`PERSON` is a skeleton of the seventeen joints; its box is a rectangle of its own, `PERSON_BOX`, since CVAT's skeletons
have none, and the two share a group. The tag `NOBODY` says that a picture shows nobody.
"""

from typing import Any

from dataengine.keypoints import COCO_KEYPOINTS, COCO_SKELETON

PERSON, PERSON_BOX, NOBODY = "person", "person_box", "nobody"
ATTRIBUTES = ("id", "track_id", "score", "annotator")
"""Texts that a person carries in CVAT. CVAT keeps those that the label declares and drops all others."""
FIGURE = (
    (50, 10), (53, 7), (47, 7), (57, 9), (43, 9), (63, 24), (37, 24), (70, 40), (30, 40), (75, 54), (25, 54),
    (59, 54), (41, 54), (60, 74), (40, 74), (61, 94), (39, 94),
)  # fmt: skip
"""Where the joints of a figure that faces the viewer lie in a square of 100: its left is on the right."""


def label_definitions() -> list[dict[str, Any]]:
    """JSON for the raw label constructor."""
    joints = [{"name": name, "type": "points", "attributes": []} for name in COCO_KEYPOINTS]
    texts = [
        {"name": name, "mutable": False, "input_type": "text", "default_value": "", "values": [""]}
        for name in ATTRIBUTES
    ]
    return [
        {"name": PERSON, "type": "skeleton", "attributes": texts, "sublabels": joints, "svg": figure_svg()},
        {"name": PERSON_BOX, "type": "rectangle", "attributes": []},
        {"name": NOBODY, "type": "tag", "attributes": []},
    ]


def figure_svg() -> str:
    """The skeleton as CVAT's constructor draws it: an edge for each bone, a node for each joint, counted from 1."""
    edges = [
        f'<line x1="{FIGURE[a][0]}" y1="{FIGURE[a][1]}" x2="{FIGURE[b][0]}" y2="{FIGURE[b][1]}" stroke="black" '
        f'data-type="edge" data-node-from="{a + 1}" stroke-width="0.5" data-node-to="{b + 1}"></line>'
        for a, b in COCO_SKELETON
    ]
    nodes = [
        f'<circle r="1.5" stroke="black" fill="#b3b3b3" cx="{x}" cy="{y}" stroke-width="0.1" data-type="element node" '
        f'data-element-id="{number}" data-node-id="{number}" data-label-name="{name}"></circle>'
        for number, (name, (x, y)) in enumerate(zip(COCO_KEYPOINTS, FIGURE, strict=True), 1)
    ]
    return "".join(edges + nodes)
