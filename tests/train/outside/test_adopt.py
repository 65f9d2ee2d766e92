"""The command: what it writes, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pytest

from dataengine.adopted.contract import AnswerForm, Contract, Feed
from dataengine.adopted.folder import load_adopted
from dataengine.coco_json import write_people
from dataengine.errors import InputError, ParamsError
from dataengine.people import People
from dataengine.train import adopt

from ...helpers.dots.dot_networks import dot_network, fitted_dot_network
from ...helpers.dots.dotted_people import draw_dotted_people

CONTRACT = Contract(Feed(96, 128, normalisation="unit"), AnswerForm("points", 17, "out", per_joint=3), tuple(range(17)))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> People:
    """``people.json`` with 12 dotted people, and ``net.onnx``, which finds them."""
    monkeypatch.chdir(tmp_path)
    people, images = draw_dotted_people(Path("pictures"), 12, aspect=(0.55, 0.72))
    fitted_dot_network(Path("net.onnx"), CONTRACT, people, images)
    write_people(Path("people.json"), people, images)
    return people


def test_the_folder_says_how_it_is_fed_and_read(project: People, capsys: pytest.CaptureFixture[str]) -> None:
    assert adopt.run(Path("net.onnx"), people=Path("people.json"), out=Path("out"), most=10) == CONTRACT
    assert load_adopted(Path("out")).contract == CONTRACT
    assert Path("out/model.onnx").read_bytes() == Path("net.onnx").read_bytes()
    adoption = json.loads(Path("out/model.json").read_text())["adoption"]
    assert adoption["people"] == 10 and adoption["mean_oks"] > 0.97 and adoption["joints_not_checked"] == []
    assert [choice["coordinate"] for choice in adoption["choices"]] == ["frame", "pixels", "reading", "joint order"]
    page = Path("out/adopted.md").read_text()
    assert page.startswith("net.onnx is adopted: mean OKS 0.9") and page in capsys.readouterr().out + "\n"


def test_pictures_may_lie_in_a_folder_of_their_own(project: People, tmp_path: Path) -> None:
    record = json.loads(Path("people.json").read_text())
    for image in record["images"]:
        image["file_name"] = Path(image["file_name"]).name
    (tmp_path / "elsewhere").mkdir()
    Path("elsewhere/people.json").write_text(json.dumps(record))
    found = adopt.run(
        Path("net.onnx"), people=Path("elsewhere/people.json"), images=Path("pictures"), out=Path("out"), most=10
    )
    assert found == CONTRACT


def test_a_network_that_answers_nobody_is_refused_with_the_closest_contract(project: People) -> None:
    labels, rng = json.loads(Path("people.json").read_text()), np.random.default_rng(0)
    for person in labels["annotations"]:
        joints = np.array(person["keypoints"]).reshape(17, 3)
        joints[:, :2] += rng.normal(0, 60, (17, 2))
        person["keypoints"] = joints.ravel().tolist()
    Path("wrong.json").write_text(json.dumps(labels))
    with pytest.raises(InputError, match=r"is not adopted: .*a mean OKS of 0.3 on 10 people.*by the closest, 96x128"):
        adopt.run(Path("net.onnx"), people=Path("wrong.json"), out=Path("out"), most=10)
    assert not Path("out").exists()


def test_unusable_input_is_refused(project: People) -> None:
    people = Path("people.json")
    record = json.loads(people.read_text())
    Path("few.json").write_text(json.dumps({**record, "annotations": record["annotations"][:9]}))
    with pytest.raises(InputError, match=r"few.json has too few labelled people: .*got 9"):
        adopt.run(Path("net.onnx"), people=Path("few.json"), out=Path("out"))
    with pytest.raises(ParamsError, match="out of range"):
        adopt.run(Path("net.onnx"), people=people, out=Path("out"), floor=1.0)
    no_pose = Contract(CONTRACT.feed, AnswerForm("points", 5, "out"), (0, 1, 2, 3, 4, *[-1] * 12))
    with pytest.raises(InputError, match=r"answers in no known form: .*got .*out \(1, 1, 5, 2\)"):
        adopt.run(
            dot_network(
                Path("five.onnx"),
                no_pose,
            ),
            people=people,
            out=Path("out"),
        )
    assert not Path("out").exists()


@pytest.mark.realdata
def test_movenet_is_read_as_its_documentation_says(shared_data: Path, tmp_path: Path) -> None:
    model, folder = shared_data.parent / "models/movenet-thunder.onnx", shared_data / "pose_samples/coco"
    if not model.exists():
        pytest.skip(f"no MoveNet at {model}")
    found = adopt.run(model, people=folder / "test_coco.json", images=folder, out=tmp_path / "movenet")
    feed, answers = found.feed, found.answers
    assert (feed.width_px, feed.channels, feed.normalisation, feed.frame) == (256, "RGB", "bytes", "box")
    assert (answers.kind, answers.units, answers.axes, answers.per_joint) == ("points", "shares", "yx", 3)
    assert found.order == tuple(range(17))
