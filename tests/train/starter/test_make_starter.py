"""A starter from nothing: rendered, fitted, halved, with its card; and a fit that begins with it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from dataengine.coco_json import write_people
from dataengine.errors import EnvironmentFault, InputError, ParamsError
from dataengine.files import sha256_file
from dataengine.nets.checkpoint import WEIGHTS_NAME, load_checkpoint
from dataengine.nets.learnt_pictures import read_learnt_pictures
from dataengine.train import make_starter
from dataengine.train.starter.half_weights import write_half
from dataengine.train.starter.params import MakeStarterParams
from dataengine.train.starter.rendering import divided

from ...helpers.body_cache import body_cache  # noqa: F401  a fixture
from ...helpers.drawn_people import draw_people_at
from ...helpers.fitting_project import TINY, fit_here, one_torch_thread, write_project

PARAMS = MakeStarterParams(**{**vars(TINY), "images": 6, "val_images": 2, "epochs": 2, "seed": 5})
RENDER = {"width_px": 96, "height_px": 96, "samples": 2, "max_people": 1, "workers": 1, "device": "cpu"}


@pytest.fixture
def params_file(tmp_path: Path, repository: Path) -> Path:
    section = yaml.safe_load((repository / "params.yaml").read_text(encoding="utf-8"))["render"]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump({"render": {**section, **RENDER}}), encoding="utf-8")
    return path


@pytest.mark.bpy
def test_a_starter_from_nothing_and_a_fit_that_begins_with_it(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    params_file: Path,
    body_cache: Path,  # noqa: F811
) -> None:
    monkeypatch.chdir(tmp_path)
    write_project()
    cache = body_cache.resolve()

    def make() -> None:
        out, work = Path("starter"), Path("work")
        make_starter.run(PARAMS, out=out, work=work, cache=cache, people=[Path("val.json")], params_file=params_file)

    with one_torch_thread():
        make()
        half, whole = (load_file(folder / WEIGHTS_NAME) for folder in (Path("starter"), *Path("work").glob("fit-*")))
        for name, tensor in whole.items():
            assert half[name].dtype == (torch.float16 if tensor.ndim > 1 else torch.float32)
            torch.testing.assert_close(half[name].float(), tensor, rtol=2**-10, atol=1e-7)
        learnt = read_learnt_pictures(Path("starter"))
        renders = [sha256_file(path) for path in sorted(Path("work/render/images").iterdir())]
        assert learnt and learnt <= set(renders[:4]), "the last two images only validate"
        assert load_checkpoint(Path("starter"))[1].lineage["stage"] == "make-starter"
        card = Path("starter/CARD.md").read_text(encoding="utf-8")
        assert "| renders not learnt from |" in card and "| val.json | 8 |" in card

        files = {path.name: path.read_bytes() for path in Path("starter").iterdir()}
        (fitted,) = Path("work").glob("fit-*")
        before = (fitted / WEIGHTS_NAME).stat().st_mtime_ns
        make()
        assert (fitted / WEIGHTS_NAME).stat().st_mtime_ns == before, "what is fitted is not fitted again"
        assert {path.name: path.read_bytes() for path in Path("starter").iterdir()} == files, "the same once more"

        fit_here(replace(TINY, epochs=1, learning_rate=1e-12, start_from="./starter"), "models/on")
    begun = load_file(Path("models/on") / WEIGHTS_NAME)
    assert all(torch.allclose(begun[name], half[name].float(), atol=1e-6) for name in half if half[name].ndim > 1)


def test_people_of_the_last_images_validate(tmp_path: Path) -> None:
    people, images = draw_people_at(tmp_path / "images", 6, seed=0)
    labels = tmp_path / "people.json"
    write_people(labels, people, images)
    rendered = divided(labels, 2)
    assert rendered.validated_images.id.tolist() == images.id[-2:].tolist()
    assert set(rendered.learnt.image_id) == set(images.id[:4]) == set(rendered.learnt_images.id)
    with pytest.raises(InputError, match="too few people to learn from"):
        divided(labels, 6)
    nobody = people.replace(visibility=np.zeros_like(people.visibility))
    write_people(labels, nobody, images)
    with pytest.raises(InputError, match="too few people to learn from"):
        divided(labels, 2)


def test_weights_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    save_file({"kernel": torch.tensor([[1e5]])}, tmp_path / WEIGHTS_NAME)
    with pytest.raises(InputError, match=r"kernel of .* is beyond float16"):
        write_half(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_makes_no_starter(tmp_path: Path, params_file: Path) -> None:
    with pytest.raises(ParamsError, match="val_images: expected above 0 and below images"):
        replace(PARAMS, val_images=6)
    with pytest.raises(ParamsError, match="a starter owes nothing to others"):
        replace(PARAMS, start_from="starter")
    people, images = draw_people_at(tmp_path / "images", 2, seed=0)
    empty = tmp_path / "empty.json"
    write_people(empty, people.take([]), images)
    paths = {"out": tmp_path / "out", "work": tmp_path / "work", "cache": tmp_path / "cache"}
    with pytest.raises(InputError, match="no people to score the starter on"):
        make_starter.run(PARAMS, **paths, people=[empty], params_file=params_file)
    without = tmp_path / "without.yaml"
    without.write_text("fit: {}\n", encoding="utf-8")
    with pytest.raises(ParamsError, match="has no section 'render'"):
        make_starter.run(PARAMS, **paths, people=[], params_file=without)
    broken = tmp_path / "broken.yaml"
    broken.write_text("render: {images: many}\n", encoding="utf-8")
    with pytest.raises(EnvironmentFault, match="were not rendered: got exit code 2"):
        make_starter.run(PARAMS, **paths, people=[], params_file=broken)
    assert not paths["out"].exists()
