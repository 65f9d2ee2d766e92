"""What somebody does with the plugin's operators, in a process of its own; the last line printed has every answer.

`session_probe.py DATASET` on the selection out/select of the working folder. FiftyOne's database and its folder of
plugins are those of the environment.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from dataengine.active.curation.fiftyone_view import ensure_dataset, open_fiftyone
from dataengine.active.curation.plugin_link import link_plugin
from dataengine.active.curation.run_tables import selection_tables

URI = "@dataengine/pose/"


def shown(name: str, tab: str, picture: str = "") -> str:
    """What the panel shows in a tab, as it goes to the browser."""
    from fiftyone.operators.executor import ExecutionContext

    from dataengine.active.curation.plugin.panel import PoseCuration

    picture = picture or ("" if tab != "queue" else first_pick(name))
    state = {"tab": tab, "picture": picture, "person": 0, "joint": "nose"}
    params = {"panel_id": "panel", "panel_state": state}
    ctx = ExecutionContext({"dataset_name": name, "params": params})
    return json.dumps(PoseCuration().render(ctx).to_json(), default=str)


def first_pick(name: str) -> str:
    return str(open_fiftyone().load_dataset(name).load_saved_view("to_label").values("sha256")[0])


def session(name: str) -> dict[str, Any]:
    root = Path.cwd()
    dataset = ensure_dataset(selection_tables(Path("out/select")), name)
    fiftyone = open_fiftyone()
    link_plugin(Path(fiftyone.config.plugins_dir))
    import fiftyone.operators as foo
    import fiftyone.plugins as plugins
    from fiftyone.operators.registry import OperatorRegistry

    os.chdir("/")  # as FiftyOne's server, which does not run in the project

    def call(operator: str, selected: list[str] | None = None, view: Any = None, **params: Any) -> dict[str, Any]:
        ctx = {"dataset": dataset, "params": params, "selected": selected or []}
        try:
            done = foo.execute_operator(URI + operator, {**ctx, **({"view": view} if view is not None else {})})
        except Exception as fault:
            return {"crash": str(fault)}
        asked = [each["operator_uri"] for each in done.executor.to_json()["requests"]]
        return {**done.result, "asked": asked}

    said: dict[str, Any] = {
        "operators": sorted(each.name for each in foo.list_operators(builtin=False)),
        "errors": OperatorRegistry().list_errors(),
        "skills": [skill.description for skill in plugins.list_skills(plugin="@dataengine/pose")],
    }
    said["nothing"] = call("accept_joints", joints=["nose"])
    said["tabs"] = {tab: shown(name, tab) for tab in ("queue", "rule", "round")}
    said["another_selection"] = shown(name, "queue", "f" * 64)
    said["next"] = first = call("next_to_label")
    key = first["sha256"]
    said["unknown"] = call("accept_joints", image=key, joints=["tail"])
    said["outside"] = call("fix_joint", image=key, joint="nose", x=-3, y=5)
    said["nobody"] = call("fix_joint", image=key, joint="nose", x=3, y=5, person=7)
    said["fixed"] = call("fix_joint", image=key[:12], joint="nose", x=101.25, y=42.5)
    said["hidden"] = call("set_visibility", image=key, joints=["left_hip"], visibility=1)
    said["rejected"] = call("reject_joints", image=key, joints=["left_wrist"])
    said["of_student"] = call("fix_joint", image=key, joint="right_wrist", source="student")
    said["too_early"] = call("finish_image", image=key, annotator="anna")
    said["nothing_to_save"] = call("save_answers")
    sample = dataset.match({"sha256": key}).first()
    keypoint = sample["answer"].keypoints[1]
    keypoint.points[16] = [60.5 / 220, 30.25 / 200]  # what the App's editor writes
    keypoint.points[15] = [float("nan"), float("nan")]
    keypoint["visibility"][15] = None
    sample.save()
    said["finished"] = call("finish_image", image=key, annotator="anna", accept_rest=True)
    said["second"] = second = call("next_to_label")
    said["nowhere"] = call("add_person", image=key, points={"nose": [500, 5]})
    said["no_place"] = call("add_person", image=key, points={"nose": "left"})
    said["added"] = call("add_person", image=key, points={"nose": [30.5, 20], "left_hip": [33, 60.25, 1]})
    said["added_joint"] = call("fix_joint", image=key, joint="right_hip", x=25, y=61, person=said["added"]["person"])
    said["added_nobody"] = call("add_person", image=key)
    said["finished_again"] = call("finish_image", image=key, annotator="anna")
    for person in range(second["people"]):
        said["rejected_person"] = call("reject_joints", image=second["sha256"], person=person)
    said["finished_second"] = call("finish_image", image=second["sha256"], annotator="ben")
    said["progress"] = call("next_to_label")
    said["brought_back"] = call("bring_back", out="labels")
    said["same"] = call("preview_picks")
    said["other"] = call("preview_picks", strategy="uncertainty", budget=3.0, appearance_weight=0.0, spread=2.0)
    said["not_computed"] = call("preview_picks", jitter=1.0)
    said["out_of_range"] = call("preview_picks", film_excess=0.5)
    said["params"] = call("use_these_params", strategy="uncertainty", budget=3.0, spread=2.0)
    said["unchanged"] = call("use_these_params")
    picks = [str(each) for each in dataset.load_saved_view("to_label").values("id")]
    said["renders"] = call("request_renders", selected=picks[:2])
    said["sent"] = call("send_to_annotation", view=dataset.select(picks[2:]), format="cvat", out="sent/two.xml")
    said["sent_again"] = call("send_to_annotation", view=dataset.select(picks[2:]), format="cvat", out="sent/two.xml")
    said["sent_away"] = call("send_to_annotation", out="../two.json")
    said["no_picks"] = call("send_to_annotation", view=dataset.match_tags("train"))
    fiftyone.delete_dataset(name)  # the answers on disk stay
    os.chdir(root)
    dataset = ensure_dataset(selection_tables(Path("out/select")), name)
    said["after_rebuild"] = call("next_to_label")
    said["taken_up"] = call("accept_joints", image=key, joints=["nose"])
    gone = Path(said["after_rebuild"]["image"])
    content = gone.read_bytes()
    gone.unlink()
    (Path("out/answers")).rename("out/kept")  # nothing has gone out yet
    said["gone"] = call("finish_image", image=said["after_rebuild"]["sha256"], annotator="anna", accept_rest=True)
    said["gone_files"] = sorted(str(path) for path in Path("out/answers").rglob("*") if path.is_file())
    said["gone_shown"] = shown(name, "queue", said["after_rebuild"]["sha256"])
    said["gone_next"] = call("next_to_label")
    gone.write_bytes(content)
    for file in sorted(Path("out/kept").rglob("*.json")):
        (Path("out/answers") / file.relative_to("out/kept")).parent.mkdir(parents=True, exist_ok=True)
        file.rename(Path("out/answers") / file.relative_to("out/kept"))
    said |= with_a_failing_database(call, said["after_rebuild"]["sha256"])
    scored = Path("out/select/scored.json")
    scored.write_text(scored.read_text() + "\n")
    said["moved_on"] = call("next_to_label")
    dataset = fiftyone.Dataset("foreign")
    said["foreign"] = call("next_to_label")
    said["foreign_rule"] = call("preview_picks")  # its form cannot be made, either
    said |= without_a_database(call, key)
    return said


def with_a_failing_database(call: Any, key: str) -> dict[str, Any]:
    """It fails once between the disk and the field that the App shows, then works again."""
    from pymongo.errors import AutoReconnect

    from dataengine.active.curation.plugin import joint_operators

    show, before = joint_operators.show, call("set_visibility", image=key, joints=["nose"], visibility=1)

    def fail(*_: Any) -> None:
        raise AutoReconnect("127.0.0.1:1: connection closed (configured timeouts: many), Timeout: 30s, Topology: much")

    joint_operators.show = fail  # type: ignore[assignment]
    failed = call("fix_joint", image=key, joint="nose", x=50.0, y=40.0)
    joint_operators.show = show
    return {
        "before_failure": before,
        "failed": failed,
        "after_failure": call("accept_joints", image=key, joints=["left_eye"]),
    }


def without_a_database(call: Any, key: str) -> dict[str, Any]:
    """It is killed while the App is open."""
    import psutil
    import pymongo

    from dataengine.active.curation.database import is_answering
    from dataengine.errors import DataEngineError

    there, folder = is_answering(), os.environ["FIFTYONE_DATABASE_DIR"]
    for process in psutil.process_iter(["name", "cmdline"]):
        if process.info["name"] == "mongod" and folder in (process.info["cmdline"] or []):
            process.kill()
            process.wait(timeout=30)
    with pymongo.timeout(3):
        killed = call("fix_joint", image=key, joint="nose", x=3.0, y=5.0)
        try:
            ensure_dataset(selection_tables(Path("out/select")), "people")
            built = ""
        except DataEngineError as fault:
            built = str(fault)
    return {"killed": killed, "killed_build": built, "answering": [there, is_answering(patience_s=1.0)]}


if __name__ == "__main__":
    print("ANSWER " + json.dumps(session(sys.argv[1]), default=str))
