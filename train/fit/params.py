"""Params of the two fitting stages: one section each in ``params.yaml``, and ``fit`` for what they share."""

from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from dataengine.crops.training.augment import AugmentParams
from dataengine.crops.training.loader import LoaderParams
from dataengine.errors import ParamsError
from dataengine.evaluation.jittered_boxes import BoxJitter
from dataengine.params import require_seed
from dataengine.people import Source

from .learnt_from.curriculum import Phase
from .learnt_from.replay import ReplayParams

CHECKPOINT_FILES = frozenset({"model.safetensors", "model.json", "learnt_pictures.sha256"})
REPORT_FILES = frozenset({"metrics.json", "plots", "val_predictions.jpg"})
"""Names of what a fit writes: both folders are replaced whole, so nothing else may lie there."""
BASE = "fit"  # section of params.yaml with what both fits share


@dataclass(frozen=True)
class DistillParams:
    """A larger network that the student learns from besides the labels (Hinton et al., 2015)."""

    teacher: str | None = None
    """A checkpoint folder or an export with the same crop and head; null distils nothing."""
    output_weight: float = 1.0
    """Weight of the divergence between the teacher's and the student's distributions of a joint, nats; with heatmaps,
    of the squared difference between their maps, on the scale of `heatmap_mse`."""
    feature_weight: float = 0.0
    """Weight of the angle between the teacher's features and the student's, which a 1x1 convolution brings to the
    teacher's width; the convolution is not shipped."""
    temperature: float = 2.0
    """Divides the logits of both: above 1, places that the teacher finds unlikely count for more. Not for heatmaps."""

    def __post_init__(self) -> None:
        for name in ("output_weight", "feature_weight"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ParamsError(name, expected="0 or more", got=repr(getattr(self, name)))
        if not 0 < self.temperature < float("inf"):
            raise ParamsError("temperature", expected="above 0", got=repr(self.temperature))
        if self.teacher and not self.output_weight + self.feature_weight:
            raise ParamsError("a teacher is set, but all weights are 0", fix="set a weight above 0")


@dataclass(frozen=True, kw_only=True)
class FitParams:
    """Network, losses, schedule and augmentation."""

    seed: int
    """Seeds weights and augmentation; the mix has its own seed."""
    network: str
    """Name in the table of networks."""
    network_kwargs: dict[str, Any]
    """The backbone's own arguments and the head's options, for example channels and blocks."""
    head: str = "simcc"
    """Name in the table of heads: simcc, rtmcc or heatmap."""
    pretrained: str | None = None
    """Published weights to start from: a .pth or .safetensors file, `imagenet` (efficientnet-lite0), or a folder or
    ``owner/name@commit`` of the hub (vitpose). A hub model without its commit is refused."""
    start_from: str | None = None
    """A checkpoint folder or an export to start from; `starter`, the weights that ship with the package, as far as they
    fit the network; or `champion`, the registry entry that compare.champion names."""
    only: Source | None = None
    """The one source to learn from: synthetic or pseudo to pre-train, real to fine-tune. Null leaves it to the mix."""
    curriculum: tuple[Phase, ...] = ()
    """Phases that the fit goes through, each with its draws and its rise and fall of the learning rate: rendered people
    first, say. They need `people_per_epoch`, and `epochs` is their sum. Empty: one phase, drawn as the mix says."""
    replay: ReplayParams = field(default_factory=ReplayParams)
    old_test: str | None = None
    """People of an earlier round's test set, COCO JSON: metrics.json reports the AP on them and, with
    `start_from`, the AP lost."""
    input_width_px: int
    input_height_px: int
    """Size of the crop that the network sees, in multiples of its stride: 16 for the residual network, 32 for HRNet."""
    crop_padding: float
    """Extent of the crop over that of the person's box."""
    label_sigma_px: float
    """Width of the Gaussian labels, crop pixels: about 2 for simcc, 8 (two cells) for heatmap."""
    losses: dict[str, float] = field(default_factory=lambda: {"simcc_kl": 1.0})
    """Loss by name -> its weight in the sum; train/losses/table.py lists the names."""
    epochs: int
    """Validations, log points and resume points of the run."""
    draws_per_epoch: int
    """How often the mix is drawn in one epoch: small sets need many passes but not a validation after each."""
    people_per_epoch: int | None = None
    """Number of people in an epoch, instead of `draws_per_epoch`: the draws follow each other without end and every
    epoch takes the next people, so that fits on sets of any size take equally long. Null goes by draws."""
    batch: int
    """Samples in memory at a time; batch norm computes its statistics over them."""
    accumulate: int = 1
    """Batches whose gradients make one step of the optimizer."""
    learning_rate: float
    """Highest learning rate of the schedule."""
    layer_decay: float = 1.0
    """Factor on the learning rate for each stage of the network from the head, which has the full rate, to the image;
    below 1 is for fine-tuning."""
    weight_decay: float
    """AdamW's, on matrices and kernels only."""
    warmup_share: float
    """Share of all steps in which the learning rate rises; it then falls as a cosine."""
    restarts: int = 0
    """How often the learning rate, once fallen, jumps back to the top."""
    restart_growth: float = 1.0
    """Length of a cosine divided by that of the one before it."""
    ema_decay: float
    """Decay of the moving average of the weights, which is what is validated and shipped."""
    clip_norm: float
    """Largest norm of the gradient; longer ones are scaled down to it."""
    patience: int = 0
    """Number of epochs without a better validation AP after which the fit stops; 0 never stops early."""
    ship: Literal["last", "best"] = "last"
    """Which epoch's average is shipped: the last, or that of the best validation AP. Choosing by AP makes that AP look
    better than it is, the more so the smaller the validation set."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device to fit on; auto takes a GPU if there is one."""
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"
    """Precision of the forward and backward pass; weights stay in float32. auto takes bf16 if the hardware multiplies
    in it, by its instructions and by a measurement, else fp32. fp16 scales the loss and needs a GPU."""
    channels_last: bool = True
    """Memory layout of images and features: faster for convolutions, on CPU and GPU."""
    augment: AugmentParams
    box_jitter: BoxJitter = field(default_factory=BoxJitter)
    """How far off the boxes are in which `val_oks_ap_jittered` looks for the validation people."""
    loader: LoaderParams = field(default_factory=LoaderParams)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The curriculum; one phase of all epochs where there is none."""
        return self.curriculum or (Phase(self.epochs),)

    @property
    def augments(self) -> tuple[AugmentParams, ...]:
        """The augmentation of each phase. `ParamsError` for a key that is none of `augment`'s, or a bad value."""
        known = {key.name for key in fields(AugmentParams)}
        unknown = sorted({key for phase in self.phases for key in phase.augment} - known)
        if unknown:
            raise ParamsError("augment of a phase", expected=" | ".join(sorted(known)), got=unknown[0])
        return tuple(replace(self.augment, **phase.augment) for phase in self.phases)

    def __post_init__(self) -> None:
        for name in (
            *("epochs", "draws_per_epoch", "batch", "accumulate", "learning_rate", "label_sigma_px", "clip_norm"),
            *("restart_growth", "input_width_px", "input_height_px"),
        ):
            if not getattr(self, name) > 0:
                raise ParamsError(name, expected="above 0", got=repr(getattr(self, name)))
        require_seed(self)
        if not 0 < self.crop_padding < float("inf"):
            got = repr(self.crop_padding)
            raise ParamsError("crop_padding", expected="above 0 (1 is the person's box alone)", got=got)
        if self.people_per_epoch is not None and self.people_per_epoch < 1:
            raise ParamsError("people_per_epoch", expected="null, or 1 or more", got=repr(self.people_per_epoch))
        if (total := sum(phase.epochs for phase in self.phases)) != self.epochs:
            fix = "set epochs to the sum of those of the phases"
            raise ParamsError("curriculum", expected=f"{self.epochs} epochs, as `epochs` says", got=f"{total}", fix=fix)
        if self.phases[0].goes_on:
            raise ParamsError("goes_on of the first phase", expected="false: no phase comes before it", got="true")
        _ = self.augments
        if self.curriculum and self.people_per_epoch is None:
            fix = "set people_per_epoch: epochs that are drawn from other people are then equally long"
            raise ParamsError("curriculum without people_per_epoch", expected="a number of people", got="null", fix=fix)
        for name in ("warmup_share", "ema_decay"):
            if not 0 <= getattr(self, name) < 1:
                raise ParamsError(name, expected="0 or more and below 1", got=repr(getattr(self, name)))
        if not 0 < self.layer_decay <= 1:
            raise ParamsError("layer_decay", expected="above 0 and at most 1", got=repr(self.layer_decay))
        for name in ("restarts", "patience", "weight_decay"):
            if not getattr(self, name) >= 0:
                raise ParamsError(name, expected="0 or more", got=repr(getattr(self, name)))
