"""An adopted network on disk: its file as ``model.onnx``, and an export's sidecar ``model.json`` with a contract.

`load_exported` reads it as it reads an export, and checks the same sums.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dataengine.adopted.contract import NORMALISATIONS, Contract
from dataengine.adopted.in_boxes import joints_of, look
from dataengine.adopted.opening import OpenNetwork, check_file, open_network
from dataengine.errors import InputError
from dataengine.files import fresh_folder, read_json
from dataengine.inference.exported import (
    CONTRACT,
    ONNX_FP32,
    SIDECAR,
    ExportedModel,
    file_record,
    load_exported,
    write_adopted_sidecar,
)
from dataengine.keypoints import VISIBLE
from dataengine.nets.checkpoint import ModelMeta
from dataengine.nets.learnt_pictures import LEARNT_NAME, write_learnt_pictures
from dataengine.people import JOINT_CONFIDENCE, JOINTS, Images, People
from dataengine.terminal.progress import track

NETWORK = "adopted"  # what stands for the name of a network that was fitted here


@dataclass(frozen=True, eq=False)
class AdoptedNetwork:
    """A network that can be asked."""

    network: OpenNetwork
    contract: Contract

    def people_in_boxes(self, people: People, images: Images, description: str = "adopted network") -> People:
        """`people` with its joints in picture pixels, all marked visible, and its score of each person.

        Extra column `joint_confidence` (n, 17) has the confidence of each joint, 0..1. A joint that the network does
        not have lies in the middle of the box, with confidence 0; so do all joints of whom it does not find.
        """
        middle = people.bbox_xywh_px[:, :2] + people.bbox_xywh_px[:, 2:] / 2 - 0.5
        places = np.repeat(middle[:, None], JOINTS, axis=1).astype(np.float64)
        confidence, score = np.zeros((len(people), JOINTS), dtype=np.float32), np.zeros(len(people))
        order = np.array(self.contract.order)
        known = np.flatnonzero(order >= 0)
        feed, answers = self.contract.feed, self.contract.answers
        total = len(np.unique(people.image_id)) if feed.sees_picture else len(people)
        for seen in track(look(self.network, feed, people, images), description, total=total, unit="input"):
            found = joints_of(seen, answers, feed, people.bbox_xywh_px[seen.persons])
            cell = np.ix_(seen.persons, known)
            places[cell], confidence[cell] = found.keypoints_px[:, order[known]], found.confidence[:, order[known]]
            score[seen.persons] = found.score if answers.kind == "detections" else confidence[cell].mean(axis=1)
        return people.replace(
            keypoints_px=places.astype(np.float32),
            visibility=np.full((len(people), JOINTS), VISIBLE, dtype=np.uint8),
            score=score.astype(np.float32),
        ).with_extra(JOINT_CONFIDENCE, confidence)


def contract_of(model: ExportedModel) -> Contract | None:
    """The contract of an adopted network; None for an export of our own.

    Raises:
        InputError: the contract was changed into one that is none.
    """
    return Contract.from_json(model.sidecar[CONTRACT]) if model.is_adopted else None


def load_adopted(folder: Path, threads: int = 2) -> AdoptedNetwork:
    """The network in a folder that `dataengine adopt` wrote.

    Raises:
        InputError: it is an export of our own, or damaged.
    """
    return open_adopted(load_exported(folder), threads)


def open_adopted(model: ExportedModel, threads: int = 2) -> AdoptedNetwork:
    """Does the same for a folder that has been read."""
    contract = contract_of(model)
    if contract is None:
        expected = "a folder that `dataengine adopt` wrote"
        raise InputError(f"{model.folder} is not an adopted network", expected=expected)
    return AdoptedNetwork(open_network(model.folder / ONNX_FP32, threads), contract)


def adopted_names(folder: Path) -> set[str]:
    """Names of the files of an adopted network, of those in `folder` if there is one."""
    sidecar = folder / SIDECAR
    record = read_json(sidecar) if sidecar.is_file() else {}
    files = record.get("files") if isinstance(record, Mapping) else None
    return {SIDECAR, ONNX_FP32, LEARNT_NAME, *(files if isinstance(files, Mapping) else ())}


def write_adopted(
    folder: Path, source: Path, contract: Contract, facts: Mapping[str, Any], *, is_unseen: bool = False
) -> None:
    """Copy the network in `source` with its weights, and write the sidecar; `facts` say how the contract was found.

    `is_unseen`: somebody vouches that it has learnt from none of the project's pictures, which nothing else says.
    """
    with fresh_folder(folder) as partial:
        shutil.copyfile(source, partial / ONNX_FP32)
        names = [ONNX_FP32]
        for name in check_file(source):
            shutil.copyfile(source.parent / name, partial / name)
            names.append(name)
        if is_unseen:
            names.append(write_learnt_pictures(partial, []).name)
        files = {name: file_record(partial / name) for name in names}
        files[ONNX_FP32]["use"] = "the adopted network, byte for byte"
        write_adopted_sidecar(partial, meta_of(contract), files, {CONTRACT: contract.to_json(), **facts})


def meta_of(contract: Contract) -> ModelMeta:
    """What the stages ask of any model: the crop and the joints. It cannot be built or read without its contract."""
    feed = contract.feed
    mean, divisor = NORMALISATIONS[feed.normalisation]
    return ModelMeta(
        network=NETWORK,
        head=NETWORK,
        input_width_px=feed.width_px,
        input_height_px=feed.height_px,
        crop_padding=feed.padding,
        mean=tuple(value / 255 for value in mean),
        std=tuple(value / 255 for value in divisor),
        taught=contract.known,
        lineage={"stage": "adopt"},
    )
