"""Section `make-starter` of params.yaml: how many people are rendered, and how the network is fitted on them."""

from dataclasses import dataclass

from dataengine.errors import ParamsError

from ..fit.params import FitParams

SECTION = "make-starter"


@dataclass(frozen=True, kw_only=True)
class MakeStarterParams(FitParams):
    """The keys of a fit, and the renders that it learns from; everything else about these is in section `render`."""

    images: int = 3200
    """Rendered images, of which the last `val_images` are not learnt from."""
    val_images: int = 200
    """Images that the fit is validated on."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.val_images < self.images:
            raise ParamsError(
                "val_images", expected=f"above 0 and below images ({self.images})", got=str(self.val_images)
            )
        if self.start_from or self.pretrained:
            got = f"start_from {self.start_from}, pretrained {self.pretrained}"
            raise ParamsError("start_from and pretrained", expected="null: a starter owes nothing to others", got=got)
