"""The stage balance on constructed people and on real ones: clusters, their file, the picture, faults."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataengine.cli import main
from dataengine.coco_json import read_people, write_people
from dataengine.datasets.balance import BalanceParams, run
from dataengine.datasets.freeze_clusters import run as freeze
from dataengine.datasets.long_tail.balance_file import Balance, read_balance
from dataengine.datasets.long_tail.clusters import LARGE_POSES, fit_centres, medoids
from dataengine.errors import InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.people import Images, People
from dataengine.poses.clusters import UNCLUSTERED, PoseClusters, read_pose_clusters
from dataengine.poses.embedding import embed_poses
from dataengine.poses.known_poses import read_frozen_poses

from ..helpers.pose_samples import crowd, mirrored, write_crowd

PARAMS = BalanceParams(clusters=3, threshold=0.6, max_repeat=2.0, seed=0)  # rare below 0.2 of all
TRAIN, OUT, REPORT = Path("data/train.json"), Path("data/balance"), Path("reports/balance")
COUNTS = (60, 12, 2)


@pytest.fixture
def people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    """A training set in the working folder."""
    monkeypatch.chdir(tmp_path)
    found = crowd(COUNTS)
    write_crowd(TRAIN, found)
    return found


def balance(params: BalanceParams = PARAMS, out: Path = OUT) -> dict[str, float]:
    return run(params, train=TRAIN, out=out, report=REPORT)


def assign(people: People, clusters: PoseClusters) -> np.ndarray:
    return clusters.assign(people.keypoints_px, people.visibility)


def test_each_kind_of_pose_is_a_cluster(people: People) -> None:
    metrics = balance()
    frozen = read_balance(OUT)
    assert np.array_equal(frozen.cluster, people.extras["figure"]), "largest first: the order of COUNTS"
    expected = np.array([1.0, np.sqrt(0.2 / (12 / 74)), 2.0])  # sqrt(0.2 / (2 / 74)) = 2.7 is capped
    assert frozen.clusters.repeat_factor == pytest.approx(expected)
    assert frozen.repeat_factor == pytest.approx(expected[people.extras["figure"]])
    assert np.array_equal(frozen.image_id, people.image_id)
    assert frozen.train_sha256 == sha256_file(TRAIN)
    drawn = np.array(COUNTS) * expected
    assert metrics["tail_share_before"] == pytest.approx(14 / 74, abs=1e-4)
    assert metrics["tail_share_after"] == pytest.approx(drawn[1:].sum() / drawn.sum(), abs=1e-4)
    assert metrics["effective_clusters_before"] < metrics["effective_clusters_after"] < 3
    assert json.loads((REPORT / "metrics.json").read_text()) == metrics


def test_the_file_is_readable_by_itself(people: People) -> None:
    balance()
    document = json.loads((OUT / "balance.json").read_text())
    clusters = json.loads((OUT / "clusters.json").read_text())
    assert [cluster["count"] for cluster in clusters["clusters"]] == list(COUNTS)
    assert document["clusters_id"] == clusters["id"] and document["params"]["threshold"] == 0.6
    annotations = json.loads(TRAIN.read_text())["annotations"]
    for record, annotation in zip(document["people"], annotations, strict=True):
        assert (record["annotation_id"], record["image_id"]) == (annotation["id"], annotation["image_id"])
    rarity = np.array([record["rarity"] for record in document["people"]])
    by_cluster = [rarity[people.extras["figure"] == k].mean() for k in range(3)]
    assert by_cluster[0] < by_cluster[1] < by_cluster[2] < 1, "the fewer show a pose, the farther they are apart"
    poses = json.loads((OUT / "poses.json").read_text())
    assert len(poses["bones"]) == sum(COUNTS) and len(poses["spacing"]) == 101


def test_the_picture_shows_every_cluster(people: People) -> None:
    balance()
    picture = cv2.imread(str(REPORT / "clusters.png"))
    assert picture is not None and picture.shape == (240 + 320, 1200, 3)
    tiles = [picture[320:, 200 * k : 200 * (k + 1)].astype(int) for k in range(6)]
    assert [bool(tile.std() > 20) for tile in tiles] == [True] * 3 + [False] * 3, "three portraits and room"


def test_same_inputs_give_the_same_bytes(people: People) -> None:
    balance()
    first = [sha256_file(OUT / "balance.json"), sha256_file(REPORT / "clusters.png")]
    balance()
    assert [sha256_file(OUT / "balance.json"), sha256_file(REPORT / "clusters.png")] == first


def test_new_people_get_the_frozen_clusters(people: People) -> None:
    balance()
    clusters = read_balance(OUT).clusters
    new = crowd((5, 5, 5), seed=9)
    assert np.array_equal(assign(new, clusters), new.extras["figure"])
    mirror_images = new.replace(keypoints_px=np.array([mirrored(p, 80.0) for p in new.keypoints_px]))
    assert np.array_equal(assign(mirror_images, clusters), new.extras["figure"])
    hidden = new.replace(visibility=np.zeros_like(new.visibility))
    assert set(assign(hidden, clusters).tolist()) == {UNCLUSTERED}
    assert assign(People.empty(), clusters).shape == (0,)


def test_some_missing_joints_leave_most_people_in_their_cluster(people: People) -> None:
    balance()
    clusters = read_balance(OUT).clusters
    visibility = people.visibility.copy()
    rng = np.random.default_rng(0)
    for row in visibility:
        row[rng.choice(np.arange(5, 17), 2, replace=False)] = 0
    agree = assign(people.replace(visibility=visibility), clusters) == people.extras["figure"]
    assert agree.mean() > 0.9


def test_people_without_a_pose_are_kept_at_one(people: People) -> None:
    visibility = people.visibility.copy()
    visibility[[3, 40]] = 0
    write_crowd(TRAIN, people.replace(visibility=visibility))
    metrics = balance()
    frozen = read_balance(OUT)
    assert metrics["unclustered"] == 2 and metrics["people"] == 74
    assert np.flatnonzero(frozen.cluster == UNCLUSTERED).tolist() == [3, 40]
    assert frozen.repeat_factor[[3, 40]].tolist() == [1, 1]


def test_fewer_poses_than_clusters(people: People) -> None:
    write_crowd(TRAIN, people.take([0, 0, 1, 1]).replace(image_id=np.arange(4)))
    metrics = balance(replace(PARAMS, clusters=50))
    assert metrics["clusters"] == 2 and metrics["people"] == 4


@pytest.mark.parametrize("rows", [[], [0, 1]], ids=["nobody", "no joint"])
def test_no_pose_at_all_is_an_error(people: People, rows: list[int]) -> None:
    few = people.take(rows)
    write_crowd(TRAIN, few.replace(visibility=np.zeros_like(few.visibility)))
    with pytest.raises(InputError, match="no pose to cluster"):
        balance()
    assert not OUT.exists() and not REPORT.exists()


def test_synthetic_people_are_refused(people: People) -> None:
    write_crowd(TRAIN, crowd((3, 3), source="synthetic"))
    with pytest.raises(InputError, match="not real"):
        balance()


def test_a_missing_picture_leaves_the_old_result(people: People) -> None:
    balance()
    before = sha256_file(OUT / "balance.json")
    shutil.rmtree(TRAIN.parent / "images")
    with pytest.raises(InputError, match="does not exist"):
        balance(replace(PARAMS, clusters=2))
    assert sha256_file(OUT / "balance.json") == before
    assert not list(OUT.parent.glob(".*partial*"))


@pytest.mark.parametrize(
    "change",
    [
        {"clusters": 0},
        {"threshold": -0.1},
        {"threshold": float("nan")},
        {"max_repeat": 0.5},
        {"max_repeat": np.inf},
        {"gap_frames": -1},
    ],
    ids=str,
)
def test_params_out_of_range(change: dict[str, float]) -> None:
    with pytest.raises(ParamsError, match=next(iter(change))):
        replace(PARAMS, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "key", "value", "match"),
    [
        ("balance.json", "format", 7, "not a result of balance"),
        ("balance.json", "people", 7, "not a result of balance"),
        ("balance.json", "people", [{"image_id": 1, "cluster": 3, "rarity": 0}], "a cluster outside 0 to 2"),
        ("balance.json", "clusters_id", "0" * 12, "people of other clusters"),
        ("clusters.json", "format", "pose-clusters-1", "not a file of pose clusters"),
        ("clusters.json", "clusters", 7, "not a file of pose clusters"),
        ("clusters.json", "clusters", [{"count": 1, "repeat_factor": 1, "centre": [0, 1]}], "do not fit this version"),
        ("clusters.json", "id", "0" * 12, "changed after it was written"),
        ("poses.json", "format", "poses-0", "not a file of known poses"),
        ("poses.json", "bones", [[1, 2]], "not a file of known poses"),
        ("poses.json", "spacing", [0.5] * 101, "changed after it was written"),
    ],
)
def test_files_that_balance_did_not_write(people: People, name: str, key: str, value: object, match: str) -> None:
    balance()
    document = json.loads((OUT / name).read_text())
    document[key] = value
    (OUT / name).write_text(json.dumps(document))
    with pytest.raises(InputError, match=match):
        read_balance(OUT)


def test_frozen_clusters_keep_their_meaning_when_the_data_change(people: People) -> None:
    balance()
    first = read_balance(OUT)
    frozen, _ = freeze(balance=OUT, out=Path("data/pose_clusters"))
    assert frozen.name == f"{first.clusters.id}.json"
    write_crowd(TRAIN, crowd((5, 40, 0), seed=3))
    later = balance_with(replace(PARAMS, frozen=str(frozen), clusters=7, seed=9))
    assert np.array_equal(later.clusters.centres, first.clusters.centres) and later.clusters.id == first.clusters.id
    assert later.clusters.counts.tolist() == [5, 40, 0], "new people in the clusters of old"
    assert later.clusters.repeat_factor == pytest.approx([np.sqrt(0.2 / (5 / 45)), 1, 2]), "factors of the new shares"
    assert np.array_equal(later.cluster, crowd((5, 40, 0), seed=3).extras["figure"])
    assert (REPORT / "clusters.png").is_file(), "a cluster without members has no portrait, and no harm in it"
    again, _ = freeze(balance=OUT, out=Path("again"))
    assert again.read_text() == (OUT / "clusters.json").read_text()
    assert balance_with(PARAMS).clusters.id != first.clusters.id, "not frozen: fitted again"


def test_frozen_clusters_that_were_changed_are_refused(people: People) -> None:
    balance()
    frozen, _ = freeze(balance=OUT, out=Path("kept"))
    renamed = frozen.rename("kept/mine.json")
    with pytest.raises(InputError, match="not named by its clusters"):
        balance(replace(PARAMS, frozen=str(renamed)))
    document = json.loads(renamed.read_text())
    document["clusters"][0]["centre"][0] += 0.01
    frozen.write_text(json.dumps(document))
    with pytest.raises(InputError, match="changed after it was written"):
        balance(replace(PARAMS, frozen=str(frozen)))
    with pytest.raises(InputError, match="does not exist"):
        balance(replace(PARAMS, frozen="kept/nothing.json"))


def balance_with(params: BalanceParams) -> Balance:
    balance(params)
    return read_balance(OUT)


def test_the_command_says_what_to_do_next(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    balance()
    with pytest.raises(SystemExit) as stop:
        main(["freeze-clusters", "--balance", str(OUT), "--out", "kept"])
    assert stop.value.code == 0
    said = re.search(r"balance.frozen: (\S+), .* render.known_poses: (\S+)$", capsys.readouterr().err.strip())
    assert said is not None
    assert read_pose_clusters(Path(said[1])).id == read_balance(OUT).clusters.id
    assert read_frozen_poses(Path(said[2])).id == read_balance(OUT).known.id


def test_skeletons_alone_need_no_pictures(people: People) -> None:
    shutil.rmtree(TRAIN.parent / "images")
    balance(replace(PARAMS, photographs=False))
    picture = cv2.imread(str(REPORT / "clusters.png"))
    assert picture is not None and picture.shape == (240 + 320, 1200, 3)
    tiles = [picture[320:520, 200 * k : 200 * (k + 1)].astype(int) for k in range(3)]
    assert all(0.001 < (tile.std(axis=2) > 20).mean() < 0.2 for tile in tiles), "coloured lines on grey"


def test_medoids_by_brute_force() -> None:
    rng = np.random.default_rng(0)
    cluster, squared = rng.integers(-1, 4, 50), rng.random(50).round(1)
    cluster[cluster == 2] = 3
    found = medoids(cluster, squared, 5)
    for k in range(5):
        rows = [row for row in range(50) if cluster[row] == k]
        assert found[k] == (min(rows, key=lambda row: (squared[row], row)) if rows else -1)


@pytest.mark.slow
def test_many_poses_are_clustered_as_well_as_few() -> None:
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(0)
    kinds = np.repeat(np.arange(6), [LARGE_POSES, 5000, 2000, 1000, 500, 300])
    figures = rng.normal(0, 0.3, (6, 17, 2)) + crowd((1,)).keypoints_px / 100
    points = figures[kinds] + rng.normal(0, 0.02, (len(kinds), 17, 2))
    vectors, _ = embed_poses(points, np.full((len(kinds), 17), 2), np.float32)
    centres = fit_centres(vectors, 6, seed=0)
    ours = ((vectors[:, None] - centres) ** 2).sum(axis=2).min(axis=1).sum()
    peer = KMeans(6, n_init=10, random_state=0).fit(vectors).inertia_
    assert ours < 1.02 * peer
    assert np.array_equal(centres, fit_centres(vectors, 6, seed=0)), "the seed decides"


def test_one_line_and_exit_code_2(people: People, capsys: pytest.CaptureFixture[str]) -> None:
    Path("params.yaml").write_text("balance: {clusters: 3, threshold: 0.2, max_repeat: 2, seed: 0, oops: 1}\n")
    with pytest.raises(SystemExit) as stop:
        main(["balance", "--train", str(TRAIN), "--out", str(OUT), "--report", str(REPORT)])
    assert stop.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and "oops" in lines[0]


@pytest.mark.realdata
def test_real_sports_poses(shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    people, images = read_people(shared_data / "lspet" / "annotations.json")
    people, images = people.take(np.arange(300)), images.take(np.arange(300))
    copied = [shutil.copy(shared_data / "lspet" / "images" / Path(str(path)).name, tmp_path) for path in images.path]
    columns = {name: getattr(images, name) for name in ("id", "width", "height")}
    TRAIN.parent.mkdir()
    write_people(TRAIN, people, Images.build(path=[Path(path).name for path in copied], **columns))
    metrics = balance(BalanceParams(clusters=12, threshold=1.0, max_repeat=3.0, seed=0))
    assert metrics["clusters"] == 12 and metrics["unclustered"] < 15
    assert metrics["tail_share_after"] > metrics["tail_share_before"]
    assert metrics["effective_clusters_after"] > metrics["effective_clusters_before"]
