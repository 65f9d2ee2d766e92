"""Random persons and noisy detections of them, as plain arrays."""

import numpy as np

from dataengine.people import Images, People


def images(count: int, *, frames_per_video: int = 0) -> Images:
    ids = np.arange(1, count + 1) * 3  # not 0..n-1, so that ids and rows cannot be mixed up unseen
    video = [f"v{i // frames_per_video}" for i in range(count)] if frames_per_video else ""
    frame = [i % frames_per_video for i in range(count)] if frames_per_video else -1
    path = [f"{i}.png" for i in range(count)]
    return Images.build(id=ids, path=path, width=640, height=480, video=video, frame=frame)


def truth(table: Images, persons_per_image: int, rng: np.random.Generator) -> People:
    n = len(table) * persons_per_image
    size = rng.uniform(30, 250, (n, 1, 1))
    corner = rng.uniform(0, 200, (n, 1, 2))
    points = corner + rng.uniform(0, 1, (n, 17, 2)) * size
    visibility = rng.choice([0, 1, 2], (n, 17), p=[0.2, 0.2, 0.6])
    visibility[rng.uniform(size=n) < 0.05] = 0
    box = np.concatenate([corner[:, 0], np.broadcast_to(size[:, 0], (n, 2))], axis=1)
    return People.build(
        image_id=np.repeat(table.id, persons_per_image),
        bbox_xywh_px=box,
        keypoints_px=points.round(2),
        visibility=visibility,
        extras={"iscrowd": (rng.uniform(size=n) < 0.05).astype(int)},
    )


def detections_of(gt: People, noise: float, rng: np.random.Generator, *, dropped: float = 0.1) -> People:
    """Each person found with noise relative to its size; some dropped, some found twice; scores often tie."""
    rows = np.concatenate([np.flatnonzero(rng.uniform(size=len(gt)) > dropped), rng.integers(0, len(gt), len(gt) // 4)])
    found = gt.take(rows)
    size = found.bbox_xywh_px[:, 2:].max(axis=1)[:, None, None]
    spread = noise * rng.uniform(0, 2, (len(rows), 1, 1)) * size
    points = found.keypoints_px + rng.normal(size=found.keypoints_px.shape) * spread
    score = np.round(rng.uniform(0, 1, len(rows)), 1)
    return found.replace(keypoints_px=points.astype(np.float32), score=score.astype(np.float32), extras={})
