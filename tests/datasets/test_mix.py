"""The stage mix: one index of real and synthetic people that training and COCO tools read, at an exact ratio."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO

from dataengine.coco_json import read_people, write_people
from dataengine.datasets.balance import BalanceParams
from dataengine.datasets.balance import run as run_balance
from dataengine.datasets.long_tail.balance_file import read_balance
from dataengine.datasets.mix import MixParams, run
from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.labels.joint_weights import joint_weights, with_joint_weights
from dataengine.labels.label_file import read_label_file
from dataengine.mixing import read_recipe
from dataengine.people import Images, People

from ..helpers.drawn_people import draw_people_at
from ..helpers.held_out import encoded_again, held_out_file
from ..helpers.label_files import labelled
from ..helpers.pose_samples import STANDING, crowd, write_crowd

PARAMS = MixParams(synthetic_per_real=0.3333333333, seed=3)
REAL, SYNTHETIC = Path("data/ingest/train.json"), Path("data/render/people.json")
BALANCE, OUT, REPORT = Path("data/balance"), Path("data/mix"), Path("reports/mix")
BALANCE_PARAMS = BalanceParams(clusters=3, threshold=0.75, max_repeat=3.0, seed=0)


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    """Real and synthetic people with the same image ids, balanced, in the working folder."""
    monkeypatch.chdir(tmp_path)
    people = crowd((50, 9, 3))
    write_crowd(REAL, people)
    synthetic = crowd((4, 4), seed=5, source="synthetic").with_extra("K", [[1.0, 2.0]] * 8)
    write_crowd(SYNTHETIC, synthetic.with_extra("pose_name", ["warrior"] * 8))
    run_balance(BALANCE_PARAMS, train=REAL, out=BALANCE, report=Path("reports/balance"))
    return people


def mix(params: MixParams = PARAMS) -> dict[str, float]:
    return run(params, real=REAL, synthetic=SYNTHETIC, balance=BALANCE, out=OUT, report=REPORT)


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
    from dataengine.train.fit.data import read_training_set

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


def test_balance_of_other_people_is_refused(real: People) -> None:
    write_crowd(REAL, real.take(np.arange(61)))
    with pytest.raises(InputError, match="made from other training people"):
        mix()
    write_crowd(REAL, real.replace(keypoints_px=real.keypoints_px + 1))
    with pytest.raises(InputError, match="rerun `dataengine balance`"):
        mix()
    assert not OUT.exists() and not REPORT.exists()


def test_files_in_each_others_place_are_refused(real: People) -> None:
    with pytest.raises(InputError, match="another source"):
        run(PARAMS, real=SYNTHETIC, synthetic=REAL, balance=BALANCE, out=OUT, report=REPORT)


def test_no_synthetic_people(real: People) -> None:
    write_people(SYNTHETIC, People.empty(), Images.build(id=np.empty(0), path=[], width=[], height=[]))
    with pytest.raises(InputError, match="no synthetic samples"):
        mix()
    metrics = mix(replace(PARAMS, synthetic_per_real=0.0))
    assert metrics["drawn_synthetic"] == 0 and metrics["synthetic"] == 0


@pytest.mark.parametrize("ratio", [-0.1, float("nan"), float("inf")])
def test_a_ratio_that_makes_no_sense(real: People, ratio: float) -> None:
    with pytest.raises(ParamsError, match="synthetic_per_real"):
        mix(replace(PARAMS, synthetic_per_real=ratio))


def test_an_image_outside_the_project_is_refused(real: People) -> None:
    document = json.loads(SYNTHETIC.read_text())
    document["images"][0]["file_name"] = "../../../elsewhere.png"
    SYNTHETIC.write_text(json.dumps(document))
    with pytest.raises(InputError, match="leaves its folder"):
        mix()


def test_imported_labels_join_the_real_people_in_their_frozen_clusters(real: People) -> None:
    more = crowd((0, 2, 3), seed=9)
    mix(replace(PARAMS, labels=[imported(more)]))
    people, images = read_people(OUT / "train.json", root=Path.cwd())
    assert len(people) == 75 and len(images) == 75
    assert (people.source == np.repeat(["real", "synthetic"], [67, 8])).all()
    figures = more.extras["figure"]
    assert people.extras["cluster"][62:67].tolist() == figures.tolist()
    of_figure = dict(zip(real.extras["figure"], people.extras["repeat_factor"][:62], strict=True))
    assert people.extras["repeat_factor"][62:67] == pytest.approx([of_figure[figure] for figure in figures])
    with pytest.raises(InputError, match=r"nowhere\.json does not exist"):
        mix(replace(PARAMS, labels=["nowhere.json"]))


def imported(people: People, taken: list[int] | None = None, by: str = "anna") -> str:
    """A file of label-import: of `people`, one an image, those `taken` were labelled; other images show nobody."""
    write_crowd(Path("pool/people.json"), people)
    people, images = read_people(Path("pool/people.json"))
    return str(labelled(people if taken is None else people.take(taken), images, by=by).path)


def test_a_picture_that_was_labelled_again_is_learnt_once_as_it_was_labelled_last(real: People) -> None:
    """In whatever order the files are named; the second import finds nobody in the first two of five images."""
    more = crowd((0, 2, 3), seed=9)
    first = imported(more)
    corrected = more.replace(keypoints_px=more.keypoints_px + 2)
    second = imported(corrected, [2, 3, 4], by="ben")
    for files in ([first, second], [second, first], [second, first, second]):
        metrics = mix(replace(PARAMS, labels=files))
        people, images = read_people(OUT / "train.json", root=Path.cwd())
        assert (len(people), len(images)) == (62 + 3 + 8, 75)
        assert (metrics["images_labelled_again"], metrics["images_without_anybody"]) == (5, 2)
        assert set(people.extras["annotator"][62:65]) == {"ben"}
        assert people.keypoints_px[62:65] == pytest.approx(corrected.keypoints_px[2:], abs=1e-3)
    assert mix(replace(PARAMS, labels=[first]))["images_labelled_again"] == 0, "the user names what is learnt from"


def test_labels_whose_pictures_are_not_those_that_were_labelled_are_refused(real: People) -> None:
    name = imported(crowd((0, 2, 3), seed=9))
    file = read_label_file(Path(name))
    path = Path(file.images.path[1])
    content = path.read_bytes()
    path.write_bytes(Path(file.images.path[2]).read_bytes())
    with pytest.raises(InputError, match=rf"{name} has labels of.*{path} has changed, .*; bring them back: `dvc pull"):
        mix(replace(PARAMS, labels=[name]))
    assert not OUT.exists()
    path.write_bytes(content)
    mix(replace(PARAMS, labels=[name]))
    write_crowd(Path("data/labels/own.json"), crowd((1,)))
    with pytest.raises(InputError, match=r"own\.json is not a file of label-import"):
        mix(replace(PARAMS, labels=["data/labels/own.json"]))


def test_images_in_which_a_person_saw_nobody_are_kept_and_drawn_by_nobody(real: People) -> None:
    """Images of a label file stay, so that select does not ask for them again. A file may hold nothing else."""
    people = crowd((0, 2, 3), seed=9)
    assert mix()["images_without_anybody"] == 0
    for taken, empty in (([0, 1, 2], 2), ([], 5)):
        metrics = mix(replace(PARAMS, labels=[imported(people, taken)]))
        mixed, mixed_images = read_people(OUT / "train.json", root=Path.cwd())
        assert metrics["images_without_anybody"] == empty
        assert (len(mixed), len(mixed_images)) == (70 + len(taken), 75)


def test_trust_in_single_joints_is_kept_and_a_malformed_one_refused(real: People) -> None:
    more = crowd((0, 2, 3), seed=9)
    weights = np.random.default_rng(0).random((5, 17)).round(4)
    mix(replace(PARAMS, labels=[imported(with_joint_weights(more, weights))]))
    people, _ = read_people(OUT / "train.json", root=Path.cwd())
    assert joint_weights(people)[62:67] == pytest.approx(weights)
    assert (np.delete(joint_weights(people), np.arange(62, 67), axis=0) == 1).all()
    write_crowd(REAL, real.with_extra("joint_weight", [[1.0] * 16] * 62))
    with pytest.raises(InputError, match="joint_weight is malformed"):
        mix()


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


def held_out_and_its_people() -> tuple[Path, People, Images]:
    """A test set of six drawn people, as ingest leaves it in the project."""
    people, images = draw_people_at(Path("data/ingest/images"), 6, seed=4)
    write_people(Path("data/ingest/test.json"), people, images)
    return held_out_file(Path("data/ingest"), images), people, images


def test_a_label_file_that_is_the_test_set_is_refused(real: People) -> None:
    held_out, people, images = held_out_and_its_people()
    paths = {"real": REAL, "synthetic": SYNTHETIC, "balance": BALANCE, "out": OUT, "report": REPORT}
    run(PARAMS, **paths, held_out=held_out)
    again = encoded_again(Path(images.path[2]), Path("tool/again.jpg"))
    for taken, table, what in (
        ([0, 1, 2, 3, 4, 5], images, ("6 of test", "the same file")),
        ([1], images.take([1]), ("1 of test", "the same file")),
        ([2], images.take([2]).replace(path=[str(again)]), ("1 of test", "a near duplicate")),
        ([], images.take([3]), ("1 of test", "the same file")),
    ):
        name = str(labelled(people.take(taken), table).path)
        with pytest.raises(InputError) as told:
            run(replace(PARAMS, labels=[name]), **paths, held_out=held_out)
        assert str(told.value).startswith(
            f"{name} has pictures that are held out for measuring: {what[0]}: expected none"
        )
        assert f", {what[1]} " in str(told.value)


@pytest.mark.parametrize("place", [REAL, SYNTHETIC])
def test_test_pictures_among_real_or_rendered_people_are_refused(real: People, place: Path) -> None:
    held_out, _, images = held_out_and_its_people()
    _, table = read_people(place)
    shutil.copyfile(str(images.path[0]), str(table.path[3]))
    with pytest.raises(InputError, match=rf"^{place} has pictures.*1 of test"):
        run(PARAMS, real=REAL, synthetic=SYNTHETIC, balance=BALANCE, out=OUT, report=REPORT, held_out=held_out)


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
