"""The pictures of each lever: the first of the base's, or rendered with the lever's params by the stage itself."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dataengine.coco_json import read_people
from dataengine.errors import InputError
from dataengine.params import PARAMS, load_values
from dataengine.people import Images, People
from dataengine.studies.settings import json_hash

from ...scene.params import RenderParams
from .chosen import ShownChoice
from .lever import Lever, laid_over

PEOPLE_NAME = "people.json"


@dataclass(frozen=True)
class RenderSets:
    """Finds and makes render sets."""

    params_file: Path
    cache: Path
    folder: Path
    """Where sets are rendered; those that are there are not rendered again."""
    render: Callable[..., None]
    """The stage: makes a folder `out` hold what RenderParams ask for, with the body model in `cache`."""
    base: Path | None
    """A folder that `render` wrote, whose first pictures are the base's; None: rendered like the others."""

    def params(self, lever: Lever) -> RenderParams:
        """What the lever's pictures are rendered with."""
        values = laid_over(load_values(self.params_file, "render"), lever.render)
        section = PARAMS.record(RenderParams, values, "params render")
        return replace(section, images=lever.images or section.images)

    def people_file(self, lever: Lever) -> Path:
        """Where the labels of the lever's pictures are, once `make` was called."""
        if self.base is not None and not lever.render:
            return self.base / PEOPLE_NAME
        changes = laid_over(load_values(self.params_file, "render"), lever.render) | {"images": 0, "workers": 0}
        return self.folder / f"render-{json_hash(changes)}" / PEOPLE_NAME

    def make(self, levers: list[Lever]) -> None:
        """Render what is missing; of levers that differ in the number alone, the largest has them all."""
        by_file: dict[Path, Lever] = {}
        for lever in levers:
            path = self.people_file(lever)
            if path not in by_file or (by_file[path].images or 0) < (lever.images or 0):
                by_file[path] = lever
        for path, lever in by_file.items():
            if self.base is None or lever.render:
                self.render(self.params(lever), out=path.parent, cache=self.cache)

    def read(self, lever: Lever) -> tuple[People, Images]:
        """The people with a labelled joint in the first `lever.images` pictures, and these.

        Raises:
            InputError: there are fewer.
        """
        path = self.people_file(lever)
        people, images = read_people(path)
        if lever.keep != ShownChoice():
            images = images.take(np.flatnonzero(lever.keep.rows(people, images)))
        count = lever.images or len(images)
        if len(images) < count:
            left_out = count - len(images)
            if self.base is not None and not lever.render:
                fix = "render more, or lower images of the lever"
                raise InputError(f"{path} has too few pictures", expected=str(count), got=str(len(images)), fix=fix)
            count -= left_out  # not worth keeping, as quality.json says
        first = images.take(np.sort(np.argsort(images.id, kind="stable")[:count]))
        kept = np.isin(people.image_id, first.id) & (people.visibility > 0).any(axis=1)
        return people.take(kept), first
