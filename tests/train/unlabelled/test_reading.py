"""People without labels are those of pictures that nobody has looked at."""

from pathlib import Path

import numpy as np
import pytest

from dataengine.coco_json import read_people, write_people
from dataengine.errors import InputError
from dataengine.labelled_set import joined
from dataengine.people import Images
from dataengine.train.fit.consistency.params import ConsistencyParams
from dataengine.train.fit.learnt_from.reading import read_training_set
from dataengine.train.unlabelled.reading import read_unlabelled

from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import write_project


@pytest.mark.parametrize("pseudo_per_real", [0.0, 0.5])
def test_pictures_that_people_found_empty_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pseudo_per_real: float
) -> None:
    """Five pictures: one is labelled, two are found empty (one of them as a copy), one has a pseudo-label."""
    monkeypatch.chdir(tmp_path)
    write_project()
    people, images = draw_people_at(Path("pool"), 5, seed=5, source="pseudo")
    write_people(Path("candidates.json"), people, images)
    write_people(Path("pseudo.json"), people.take([3]), images)
    Path("copy.png").write_bytes(Path(images.path[2]).read_bytes())
    answered = Images.build(
        id=[1, 2, 3],
        path=[images.path[0], images.path[1], "copy.png"],
        width=images.width[:3],
        height=images.height[:3],
    )
    own = people.take([0]).replace(image_id=np.array([1]), source=np.array(["real"], dtype="<U9"))
    mixed, table = joined([read_people(Path("mix/train.json"), root=tmp_path), (own, answered)])
    write_people(Path("mix/train.json"), mixed.with_extra("repeat_factor", np.ones(9)), table)
    training = read_training_set(Path("mix"), Path("pseudo.json"), pseudo_per_real)
    found = read_unlabelled(ConsistencyParams(mode="ema"), Path("candidates.json"), training)
    assert found is not None
    assert sorted(Path(path).name for path in found.images.path) == sorted(Path(path).name for path in images.path[3:])
    with pytest.raises(InputError, match="--balance mix is not a folder of the stage balance"):
        read_unlabelled(ConsistencyParams(mode="ema"), Path("candidates.json"), training, balance=Path("mix"))
