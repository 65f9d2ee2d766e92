"""One frame of a clip from its number: what a worker does. It keeps the clip that it worked on last."""

from pathlib import Path

from ..batch.paths import ImagePaths
from ..body.model import BodyModel
from ..pictures.maker import backdrop_of, light_of, save, take
from ..poses.library import read_pose_library
from ..poses.motion import Motion, read_motion
from ..scene.layout import make_tailor
from ..scene.params import RenderParams
from ..scene.surroundings import background_files
from .layout import Performance
from .spec import ClipParams, draw_clip


class ClipMaker:
    """Makes frame ``index % frames`` of clip ``index // frames``; holds the body model of its process."""

    def __init__(self, params: RenderParams, clip: ClipParams, out: Path, cache: Path, fingerprint: str) -> None:
        self._params, self._clip, self._out, self._fingerprint = params, clip, out, fingerprint
        self._library = read_pose_library()
        self._motions: list[Motion] = [read_motion(Path(path)) for path in params.motions]
        self._model = BodyModel.load(cache)
        self._tailor = make_tailor(self._model.template)
        self._backgrounds = background_files(params)
        self._at_hand: tuple[int, Performance] | None = None

    def make(self, index: int) -> None:
        """Render one frame; its sidecar is written last."""
        number, frame = divmod(index, self._clip.frames)
        spec = draw_clip(self._params, self._clip, self._library, self._motions, number)
        if self._at_hand is None or self._at_hand[0] != number:
            self._at_hand = number, Performance(spec, self._clip.seconds, self._model, self._tailor)
        seconds = frame / self._clip.fps
        geometry = self._at_hand[1].at(seconds, self._params.width_px, self._params.height_px)
        about = {
            "index": index,
            "fingerprint": self._fingerprint,
            "clip": number,
            "frame": frame,
            "seconds": round(seconds, 6),
            "hdri": spec.scene.hdri,
            "floor": spec.scene.floor,
        }
        paths, params = ImagePaths.of(self._out, index), self._params
        backdrop, light = backdrop_of(spec.scene, self._backgrounds, params), light_of(spec.scene)
        save(take(geometry, light, params.samples, device=params.device, backdrop_bgr=backdrop), paths, about)
