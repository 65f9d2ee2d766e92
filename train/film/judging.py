"""One chunk of a film judged, with the chunks before and after it as neighbours in time."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from dataengine.keypoints import VISIBLE
from dataengine.people import JOINTS, Images, People

from ..pseudo.filters import JointVerdict, Placement
from ..pseudo.outcome import as_candidates
from ..pseudo.params import PseudoLabelParams
from ..pseudo.persons import person_reasons
from ..tracking.overlap_links import frame_times, neighbours, run_lengths, track_lengths
from ..trust.judging import judge
from ..trust.rule import TrustRule
from .chunks import Chunk, joined_chunks


@dataclass(frozen=True, eq=False)
class JudgedChunk:
    """The people of one chunk and what became of them."""

    people: People
    images: Images
    verdict: JointVerdict
    dropped_for: NDArray[np.str_]


def judged_chunk(
    before: Chunk | None,
    chunk: Chunk,
    after: Chunk | None,
    *,
    film: str,
    names: tuple[str, ...],
    rule: TrustRule | None,
    params: PseudoLabelParams,
) -> JudgedChunk:
    """Judge `chunk` of the film that is called `film`, by the opinions of the teachers `names`."""
    whole = joined_chunks([each for each in (before, chunk, after) if each is not None])
    images = images_of(whole, film)
    people = People.build(
        image_id=images.id[whole.at],
        bbox_xywh_px=whole.boxes_xywh_px,
        keypoints_px=whole.opinions[0].keypoints_px,
        visibility=np.full((len(whole.at), JOINTS), VISIBLE),
        source="pseudo",
        track_id=whole.track_id,
    )
    frame, video = images.frame[whole.at], images.video[whole.at]
    placed = Placement(
        bbox_xywh_px=people.bbox_xywh_px,
        picture_px=whole.size_px[whole.at],
        neighbour_rows=neighbours(whole.track_id, frame),
        time=frame_times(video, frame, whole.time_s[whole.at]),
    )
    verdict = judge(whole.opinions, placed, rule, params)
    reasons = person_reasons(
        people,
        verdict,
        params,
        followed=track_lengths(whole.track_id),
        shown=run_lengths(images.video, images.frame, params.max_gap)[whole.at],
    )
    verdict = replace(verdict, kept=reasons == "")
    opinions = dict(zip(names, whole.opinions, strict=True))
    everybody = as_candidates(people, images, verdict, opinions, reasons)
    first = 0 if before is None else len(before.frame)
    mine = np.flatnonzero((whole.at >= first) & (whole.at < first + len(chunk.frame)))
    shown = images.take(np.arange(first, first + len(chunk.frame)))
    return JudgedChunk(everybody.take(mine), shown, verdict.take(mine), reasons[mine])


def images_of(chunk: Chunk, film: str) -> Images:
    """The frames of a chunk: an image's id is the frame's index + 1, its file frames/<film>_<index>.jpg."""
    return Images.build(
        id=chunk.frame + 1,
        path=[f"frames/{film}_{index:06d}.jpg" for index in chunk.frame],
        width=chunk.size_px[:, 0],
        height=chunk.size_px[:, 1],
        video=film,
        frame=chunk.frame,
        time_s=chunk.time_s,
    )
