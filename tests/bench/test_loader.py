"""The loader's benchmark: ours and both peers make the same crops of the same people."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from dataengine.bench import BENCHMARKS
from dataengine.bench.loader import AUGMENT, SPEC, crops_per_second, one_thread, two_processes, two_threads, wait_share
from dataengine.bench.loader_peers import PlainPipeline, PoseChain, simcc_targets
from dataengine.bench.loader_sets import drawn_set, natural_noise, small_set
from dataengine.crops.training.augment import NO_AUGMENTATION
from dataengine.crops.training.loader import collate
from dataengine.crops.training.samples import CropSamples
from dataengine.people import Images, People

TINY_NETWORK = {"channels": [8, 8], "blocks": [1, 1], "maps_per_joint": 1}
GEOMETRIC = replace(AUGMENT, photometric_share=0, dropout_share=0)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[People, Images]:
    return drawn_set(tmp_path_factory.mktemp("drawn"), 8, (320, 240))


def test_crops_are_the_plain_pipelines_with_any_turn_and_mirroring(people: tuple[People, Images]) -> None:
    ours, plain = CropSamples(*people, SPEC, GEOMETRIC), PlainPipeline(*people, SPEC, GEOMETRIC)
    for row in range(8):
        sample = ours.sample(row, (row, 1))
        reference = plain.crop(row, sample.crop_from_image).astype(int)
        difference = np.abs(sample.crop_rgb.astype(int) - reference)
        assert difference.mean() < 2
        assert np.percentile(difference, 99) < 20


@pytest.mark.realdata
def test_crops_of_real_pictures_are_the_plain_pipelines(shared_data: Path, tmp_path: Path) -> None:
    people, images = small_set(tmp_path, 40)
    ours, plain = CropSamples(people, images, SPEC, GEOMETRIC), PlainPipeline(people, images, SPEC, GEOMETRIC)
    differences = []
    for row in range(len(people)):
        sample = ours.sample(row, (row, 1))
        differences.append(np.abs(sample.crop_rgb.astype(int) - plain.crop(row, sample.crop_from_image)).mean())
    assert np.median(differences) < 1
    assert max(differences) < 12  # where ours averages before it shrinks, and the plain pipeline aliases


def test_all_three_make_the_same_batch_where_nothing_is_random(people: tuple[People, Images]) -> None:
    rows = np.arange(8)
    drawn = CropSamples(*people, SPEC, NO_AUGMENTATION).draw(rows, [(0, 0, int(r)) for r in rows])
    ours = collate(drawn, rows)
    plain, points = PlainPipeline(*people, SPEC, NO_AUGMENTATION).batch(rows)
    chain, labels_x, labels_y = PoseChain(*people, SPEC, NO_AUGMENTATION).batch(rows)
    np.testing.assert_allclose(points.numpy(), ours.keypoints_px, atol=1e-3)
    middle = np.s_[..., 12:-12, 12:-12]  # where the picture ends, half a pixel is black instead of grey
    assert np.abs(plain.numpy() - ours.images)[middle].mean() < 0.05
    # the chain's affine map is the published one: its pixel grid lies half a pixel off
    assert np.abs(chain.numpy() - ours.images)[middle].mean() < 0.25
    expected_x, expected_y = simcc_targets(ours.keypoints_px, ours.joint_weight, SPEC)
    for expected, labels in ((expected_x, labels_x), (expected_y, labels_y)):
        counted = ours.joint_weight > 0
        apart = np.abs(expected[counted].argmax(axis=1) - labels.numpy()[counted].argmax(axis=1))
        assert apart.max() <= 2
        np.testing.assert_allclose(expected[counted].max(axis=1), labels.numpy()[counted].max(axis=1), atol=1e-3)


def test_every_way_is_measured(people: tuple[People, Images]) -> None:
    with one_thread():
        assert torch.get_num_threads() == cv2.getNumThreads() == 1
        rates = crops_per_second(*people, passes=1)
    assert set(rates) == {"first", "later", "first_targets", "later_targets", "cv2", "mmpose"}
    assert all(np.isfinite(rate) and rate > 0 for rate in rates.values())


def test_threads_and_processes_are_measured(tmp_path: Path) -> None:
    data = drawn_set(tmp_path, 32, (160, 120))
    assert two_threads(data, passes=1) > 0
    assert two_processes(data, passes=1) > 0


def test_the_share_of_waiting_is_a_share(people: tuple[People, Images]) -> None:
    assert 0 <= wait_share(CropSamples(*people, SPEC, AUGMENT), 1, TINY_NETWORK) <= 1


def test_drawn_pictures_have_the_spectrum_of_photographs() -> None:
    grey = natural_noise(np.random.default_rng(0), 512, 512).mean(axis=2)
    spectrum = np.abs(np.fft.fft2(grey - grey.mean()))
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(512), np.fft.fftfreq(512)))
    band = [spectrum[(frequency > f) & (frequency < 1.3 * f)].mean() for f in (0.01, 0.03, 0.1, 0.3)]
    slopes = np.diff(np.log(band)) / np.log([3, 10 / 3, 3])
    assert (slopes > -1.9).all() and (slopes < -0.4).all()


def test_the_table_names_the_benchmark() -> None:
    assert BENCHMARKS["loader"] == "dataengine.bench.loader"
