"""The loss that teaches whether a joint lies in the crop at all (ProbPose: Purkrabek and Matas, CVPR 2025)."""

from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits


def presence_loss(logits: Tensor, in_crop: Tensor, joint_weight: Tensor) -> Tensor:
    """Sum of the binary cross-entropies, nats, of all joints of which it is known, over the number that counts.

    All are (b, 17); in_crop is 1 where the joint lies in the crop, 0 where it does not, below 0 where nobody knows.
    joint_weight is 0 for joints that do not count, as those outside of the crop. The divisor is that of all losses,
    because gradient accumulation relies on it; with most joints in the crop it hardly differs from their number.
    """
    known = in_crop >= 0
    cost = binary_cross_entropy_with_logits(logits, in_crop.clamp(min=0), reduction="none")
    return (cost * known).sum() / (joint_weight > 0).sum().clamp(min=1)
