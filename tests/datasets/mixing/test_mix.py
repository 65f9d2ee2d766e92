"""The stage mix: one index of real and synthetic people that training and COCO tools read, at an exact ratio."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from dataengine.coco_json import read_people, write_people
from dataengine.datasets.long_tail.balance_file import read_balance
from dataengine.datasets.mix import run
from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.mixing import read_recipe
from dataengine.people import Images, People

from ...helpers.pose_samples import STANDING, crowd, write_crowd
from .conftest import BALANCE, OUT, PARAMS, REAL, REPORT, SYNTHETIC, mix


def test_everybody_is_named_once_with_image_and_factor(real: People) -> None:
    mix()
    people, images = read_people(OUT / "train.json", root=Path.cwd())
    assert len(people) == len(images) == 70
    assert (people.source == np.repeat(["real", "synthetic"], [62, 8])).all()
    assert np.array_equal(images.id, np.arange(1, 71))
    paths = images.path[images.rows_of(people.image_id)]
    assert [Path(path).is_file() for path in paths] == [True] * 70
    assert [Path(path).name for path in paths[:62]] == [f"train_{image}.png" for image in real.image_id]
    assert people.keypoints_px[:62] == pytest.approx(real.keypoints_px, abs=1e-3)
    share = np.array([50, 9, 3]) / 62
    expected = np.clip(np.sqrt(0.25 / share), 1, 3)[real.extras["figure"]]
    assert people.extras["repeat_factor"] == pytest.approx([*expected, *[1.0] * 8])
    assert people.extras["pose_repeats"][:62] == pytest.approx(expected)
    synthetic, _ = read_people(SYNTHETIC)
    figure = np.concatenate([real.extras["figure"], synthetic.extras["figure"]])
    assert people.extras["cluster"].tolist() == figure.tolist(), "synthetic people are looked up, too"
    balanced = read_balance(BALANCE)
    looked_up = balanced.poses.look_up(synthetic.keypoints_px, synthetic.visibility)
    assert people.extras["rarity"] == pytest.approx([*balanced.rarity, *looked_up.rarity], abs=1e-6)
    assert people.extras["novel"].tolist() == [*[False] * 62, *looked_up.novel]
    assert people.extras["pose_name"][-1] == "warrior" and "K" not in people.extras


def test_metrics_say_how_rare_the_rendered_people_are(real: People) -> None:
    """Half of them stand as most real people do, half hang upside down, as nobody does."""
    document = json.loads(SYNTHETIC.read_text())
    for place, annotation in enumerate(document["annotations"]):
        figure = STANDING if place % 2 else STANDING[:, ::-1] * [1, -1]
        annotation["keypoints"] = np.insert(figure * 100 + 120, 2, 2, axis=1).ravel().tolist()
    SYNTHETIC.write_text(json.dumps(document))
    metrics = mix()
    assert 0.4 < metrics["rarity_of_real"] < 0.6, "by its definition"
    people, _ = read_people(OUT / "train.json", root=Path.cwd())
    rarity, novel = people.extras["rarity"][62:], people.extras["novel"][62:]
    assert novel.tolist() == [True, False] * 4
    assert rarity[novel].min() > 0.99 and rarity[~novel].max() < 0.5
    clusters = read_balance(BALANCE).clusters
    own = clusters.repeats(people.extras["cluster"][62:].astype(int))
    repeats = people.extras["pose_repeats"][62:].astype(float)
    assert repeats == pytest.approx(np.where(novel, clusters.repeat_factor.max(), own)), "a novel pose is a rare one"
    assert repeats[novel].min() > repeats[~novel].max() == 1.0
    assert metrics["novel_share_of_synthetic"] == 0.5
    assert metrics["rarity_of_synthetic"] == pytest.approx(rarity.mean(), abs=1e-4)


def test_an_epoch_is_one_synthetic_to_three_real(real: People) -> None:
    metrics = mix()
    assert metrics["drawn_synthetic"] == int(metrics["drawn_real"] / 3 + 0.5)
    people, _ = read_people(OUT / "train.json", root=Path.cwd())
    assert metrics["drawn_real"] == round(people.extras["repeat_factor"][:62].sum())
    assert metrics["drawn_real"] > metrics["real"] == 62
    assert json.loads((REPORT / "metrics.json").read_text()) == metrics
    half = mix(replace(PARAMS, synthetic_per_real=0.5))
    assert half["drawn_synthetic"] == int(half["drawn_real"] / 2 + 0.5)


def test_training_reads_it(real: People) -> None:
    from dataengine.train.fit.learnt_from.reading import read_training_set

    metrics = mix()
    training = read_training_set(OUT, None, 0.0)
    order = training.order(0, 1)
    drawn = training.people.source[order]
    assert [(drawn == s).sum() for s in ("real", "synthetic")] == [metrics["drawn_real"], metrics["drawn_synthetic"]]
    assert training.mix.recipe == read_recipe(OUT / "recipe.json") == PARAMS.recipe()


def test_pycocotools_loads_it(real: People) -> None:
    mix()
    coco = COCO(str(OUT / "train.json"))
    assert len(coco.getAnnIds(catIds=coco.getCatIds(["person"]))) == 70
    for image in coco.loadImgs(coco.getImgIds()):
        assert (OUT / image["file_name"]).is_file()
        (annotation,) = coco.loadAnns(coco.getAnnIds(imgIds=image["id"]))
        assert len(annotation["keypoints"]) == 51


def test_same_inputs_give_the_same_bytes(real: People) -> None:
    mix()
    first = [sha256_file(OUT / name) for name in ("train.json", "recipe.json")]
    mix()
    assert [sha256_file(OUT / name) for name in ("train.json", "recipe.json")] == first


def test_images_without_people_are_left_out_and_shared_ones_stay_one(real: People) -> None:
    people, images = read_people(SYNTHETIC)
    together = people.replace(image_id=np.where(people.image_id == 1001, 1000, people.image_id))
    write_people(SYNTHETIC, together, images)
    mix()
    mixed, mixed_images = read_people(OUT / "train.json", root=Path.cwd())
    assert len(mixed) == 70 and len(mixed_images) == 69
    assert np.array_equal(np.unique(mixed.image_id), mixed_images.id)


def test_no_synthetic_people(real: People) -> None:
    write_people(SYNTHETIC, People.empty(), Images.build(id=np.empty(0), path=[], width=[], height=[]))
    with pytest.raises(InputError, match="no synthetic samples"):
        mix()
    metrics = mix(replace(PARAMS, synthetic_per_real=0.0))
    assert metrics["drawn_synthetic"] == 0 and metrics["synthetic"] == 0


def test_rendered_people_alone(real: People) -> None:
    metrics = mix(replace(PARAMS, only="synthetic"))
    assert (metrics["drawn_real"], metrics["drawn_synthetic"], metrics["real"]) == (0, 8, 62)
    assert metrics["synthetic_per_real"] == 0.0
    assert read_recipe(OUT / "recipe.json").only == "synthetic"


def test_the_first_rendered_images_are_part_of_more(real: People) -> None:
    poses = {}
    for limit in (3, 5, None):
        mix(replace(PARAMS, synthetic_images=limit))
        people, images = read_people(OUT / "train.json", root=Path.cwd())
        shown = people.take(people.source == "synthetic").image_id
        poses[limit] = [Path(path).name for path in images.path[images.rows_of(shown)]]
    assert [len(names) for names in poses.values()] == [3, 5, 8]
    assert poses[3] == poses[None][:3] and poses[5] == poses[None][:5]
    with pytest.raises(InputError, match="too few images: expected 9 or more, got 8"):
        mix(replace(PARAMS, synthetic_images=9))
    with pytest.raises(ParamsError, match="synthetic_images"):
        replace(PARAMS, synthetic_images=0)


def test_renders_that_requests_asked_for_join_the_synthetic_people(real: People) -> None:
    plain = mix()
    before = [(OUT / name).read_bytes() for name in ("train.json", "recipe.json")]
    paths = {"real": REAL, "synthetic": SYNTHETIC, "balance": BALANCE, "out": OUT, "report": REPORT}
    folder = Path("data/render/requested")
    assert run(PARAMS, **paths, requested=folder) == plain
    assert [(OUT / name).read_bytes() for name in ("train.json", "recipe.json")] == before, "none: as it always was"
    asked_for = crowd((0, 3), seed=9, source="synthetic").with_extra("request", ["ab"] * 3)
    write_crowd(folder / "people.json", asked_for)
    found = run(replace(PARAMS, synthetic_images=5), **paths, requested=folder)
    assert found["synthetic"] == 8, "the first five of the library, and all that were asked for"
    assert found["drawn_synthetic"] == plain["drawn_synthetic"], "the ratio stays"
    people, _ = read_people(OUT / "train.json", root=Path.cwd())
    assert [value for value in people.extras["request"].tolist() if value] == ["ab"] * 3
