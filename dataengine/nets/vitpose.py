"""ViTPose: a plain vision transformer, from the library ``transformers``.

Xu et al., "ViTPose: Simple Vision Transformer Baselines for Human Pose Estimation", NeurIPS 2022. ``pretrained`` is a
folder written by ``save_pretrained`` or a model of the Hugging Face hub at one commit (``owner/name@commit``: a name
alone means whatever its owner uploads next); its configuration then becomes part of the model's metadata (argument
`config`), so that our own checkpoint needs neither again. With the head "heatmap" the
model's own decoder is kept and tensor names are those of ``VitPoseForPoseEstimation``; any other head reads the
backbone's tokens.
"""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from dataengine.errors import InputError, ParamsError
from dataengine.nets.heads import Head, Heatmap
from dataengine.nets.network import KeypointNetwork
from dataengine.nets.published import from_source, published_faults, transformers_library
from dataengine.nets.weights import take_weights

# ViTPose-S without mixture of experts, where nobody gives a configuration.
SMALL: Mapping[str, Any] = {"hidden_size": 384, "num_hidden_layers": 12, "num_attention_heads": 12}
OWN_DECODER = "head"


class VitPose(KeypointNetwork):
    """Patches of 16 pixels, so features of stride 16."""

    def __init__(self, head: Head, *, config: Mapping[str, Any] | None = None) -> None:
        """`config` is that of ``VitPoseConfig``; none is ViTPose-S for this input size."""
        super().__init__(head)
        settings = _settings(head, config)
        height, width = settings.backbone_config.image_size
        if (width, height) != (head.layout.input_width_px, head.layout.input_height_px):
            raise ParamsError(
                "input size is not the one this ViTPose was made for",
                expected=f"{width} x {height}",
                got=f"{head.layout.input_width_px} x {head.layout.input_height_px}",
            )
        model = transformers_library().VitPoseForPoseEstimation(settings)
        self.backbone: nn.Module = model.backbone
        patch = settings.backbone_config.patch_size
        self.grid = (height // patch[0], width // patch[1])
        if isinstance(head, Heatmap):
            self.head: nn.Module = model.head
            self.head_layers = frozenset({OWN_DECODER})
        else:
            self.add_head(settings.backbone_config.hidden_size, patch[0])

    def stages(self) -> list[list[str]]:
        """The patch embedding, then each layer of the transformer; the closing norm goes with the last."""
        names = {
            name.split(".")[3] for name, _ in self.named_parameters() if name.startswith("backbone.encoder.layer.")
        }
        layers = [[f"backbone.encoder.layer.{i}."] for i in range(len(names))]
        layers[-1].append("backbone.layernorm.")
        return [["backbone.embeddings."], *layers]

    def features(self, images: Tensor) -> Tensor:
        """Tokens as maps (b, hidden, H / 16, W / 16) of normalised images (b, 3, H, W)."""
        tokens: Tensor = self.backbone(images).feature_maps[-1]
        return tokens.transpose(1, 2).reshape(-1, tokens.shape[-1], *self.grid)

    def read(self, features: Tensor) -> tuple[Tensor, ...]:
        """Heatmaps of the model's own decoder, or the answer of another head."""
        if OWN_DECODER in self.head_layers:
            return (self.head(features),)
        return super().read(features)

    @classmethod
    def architecture_of(cls, source: str) -> Mapping[str, Any]:
        """The configuration of a folder or of a hub model, as plain JSON values."""
        config = from_source(transformers_library().VitPoseConfig, source, "ViTPose")
        if not isinstance(config, transformers_library().VitPoseConfig) or config.model_type != "vitpose":
            raise InputError(f"{source} is not a ViTPose model", expected="model_type vitpose", got=config.model_type)
        return {"config": config.to_diff_dict()}

    def take_pretrained(self, source: str) -> None:
        """Weights of a folder or of a hub model, in safetensors."""
        model = from_source(transformers_library().VitPoseForPoseEstimation, source, "ViTPose", use_safetensors=True)
        take_weights(self, model.state_dict(), source, optional=self.head_layers, spare=(f"{OWN_DECODER}.",))


def _settings(head: Head, config: Mapping[str, Any] | None) -> Any:
    library = transformers_library()
    if config is not None:
        try:
            return library.VitPoseConfig.from_dict(dict(config))
        except published_faults() as error:
            expected = "a VitPoseConfig; its backbone_config names a model_type, vitpose_backbone"
            got = f"{type(error).__name__}: {error}"
            raise ParamsError("network_kwargs config is not ViTPose's", expected=expected, got=got) from error
    size = [head.layout.input_height_px, head.layout.input_width_px]
    backbone = library.VitPoseBackboneConfig(**SMALL, image_size=size, out_indices=[SMALL["num_hidden_layers"]])
    return library.VitPoseConfig(backbone_config=backbone, num_labels=head.layout.keypoints)
