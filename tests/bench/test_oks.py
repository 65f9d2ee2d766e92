import numpy as np
import pytest

from dataengine.bench import bootstrap, oks
from dataengine.evaluation.ap.matching import average_precision


def test_all_three_give_the_same_figures_on_the_same_records() -> None:
    data = oks.random_set(60, 130, 600, seed=3)
    ours = oks.our_figures(data)
    assert 0.1 < ours["AP"] < 0.9
    for peer in (oks.pycocotools_figures, oks.faster_coco_eval_figures):
        assert peer(data) == pytest.approx(ours, abs=1e-9)


def test_a_peer_with_other_figures_ends_the_benchmark() -> None:
    with pytest.raises(Exception, match="other figures"):
        oks._check_equal("peer", {"AP": 0.5}, {"AP": 0.5001})


def test_the_sizes_are_those_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("IMAGES", 40), ("PEOPLE", 90), ("DETECTIONS", 300), ("RUNS", 1), ("PEER_RUNS", 1)):
        monkeypatch.setattr(oks, name, value)
    made: list[tuple[int, int, int]] = []
    original = oks.random_set

    def noted(images: int, people: int, detections: int, seed: int) -> oks.CocoSet:
        made.append((images, people, detections))
        return original(images, people, detections, seed)

    monkeypatch.setattr(oks, "random_set", noted)
    figures = list(oks.run())
    assert [figure.name for figure in figures] == ["oks.vs_pycocotools", "oks.vs_faster_coco_eval"]
    assert made[-1] == (40, 90, 300)
    assert all(figure.peer is not None for figure in figures)


def test_the_bootstraps_peer_computes_the_same_ap(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("IMAGES", 40), ("PEOPLE", 90), ("DETECTIONS", 300), ("RESAMPLES", 20), ("PEER_RESAMPLES", 2)):
        monkeypatch.setattr(bootstrap, name, value)
    first, second = bootstrap.two_models()
    weight = np.random.default_rng(0).integers(0, 3, 40).astype(float)
    for model in (first, second):
        assert bootstrap.table_ap(model, weight) == pytest.approx(average_precision(model, weight), abs=1e-9)
    assert average_precision(first) != average_precision(second)
    (figure,) = bootstrap.run()
    assert figure.name == "bootstrap.10k_s"
