"""What the reasons in health.html mean, in words for whoever reads the page first."""

from ..pseudo.filters import DISPUTED, JUMPED, KEPT, LONE, OUTSIDE, UNSTEADY, UNSURE
from ..pseudo.persons import DISAGREEMENT, FEW_JOINTS, LIMBS, TRACK_BREAK

JOINTS_MEAN = {
    KEPT: "accepted",
    UNSURE: "no teacher is sure enough of the joint",
    UNSTEADY: "whoever is sure puts it elsewhere in the mirror image",
    DISPUTED: "both teachers are sure, of different places",
    LONE: "only one teacher vouches for it, and vouching asks for both",
    OUTSIDE: "it lies outside the picture",
    JUMPED: "it is off its way between the frames before and after",
}
PEOPLE_MEAN = {
    FEW_JOINTS: "fewer accepted joints than min_joints",
    LIMBS: "a limb too long for the rest of the body (max_limb_excess)",
    TRACK_BREAK: "followed over fewer frames than min_track_frames",
    DISAGREEMENT: "more disputed joints than max_disputed_share: the teachers see different people",
}
