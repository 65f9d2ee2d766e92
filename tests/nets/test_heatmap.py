"""Decoding heatmaps: DARK's formula in plain loops, synthetic Gaussians, borders, bad values."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from dataengine.crops.spec import CropSpec, apply_affine
from dataengine.crops.training.augment import mirror_matrix
from dataengine.errors import ParamsError
from dataengine.geometry import pixel_grid
from dataengine.keypoints import FLIP_INDEX
from dataengine.nets.heads import Heatmap, make_head
from dataengine.nets.heatmap import Coordinates, cell_size_px, decode
from dataengine.nets.layout import Layout

WIDTH, HEIGHT = 48, 64
CELL = (191 / 47, 255 / 63)  # a crop of 192x256
SIGMA = 2.0


def bump(x: float, y: float, sigma: float = SIGMA, height: float = 1.0) -> np.ndarray:
    """A Gaussian with its summit at cell (x, y)."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return height * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


def place(heatmap: np.ndarray, blur_sigma: float = SIGMA) -> np.ndarray:
    """Decoded place in cells."""
    return decode(heatmap[None, None], (1.0, 1.0), blur_sigma).keypoints_px[0, 0]


def dark(heatmap: np.ndarray, sigma: float) -> tuple[float, float]:
    """Section 3.2 of the paper, cell by cell: smooth, take the logarithm, one Newton step from the maximum."""
    row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
    log = np.log(np.maximum(gaussian_filter(heatmap, sigma, mode="constant", truncate=3.0), 1e-10))

    def d(r: int, c: int) -> float:
        return float(log[row + r, column + c])

    gradient = np.array([(d(0, 1) - d(0, -1)) / 2, (d(1, 0) - d(-1, 0)) / 2])
    mixed = (d(1, 1) - d(1, -1) - d(-1, 1) + d(-1, -1)) / 4
    hessian = np.array([[d(0, 1) - 2 * d(0, 0) + d(0, -1), mixed], [mixed, d(1, 0) - 2 * d(0, 0) + d(-1, 0)]])
    step = -np.linalg.solve(hessian, gradient)
    return column + step[0], row + step[1]


def test_places_are_those_of_darks_formula() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        x, y = rng.uniform(9, WIDTH - 10), rng.uniform(9, HEIGHT - 10)
        noisy = bump(x, y, sigma=rng.uniform(1.5, 3)) + 0.3 * bump(x + 4, y + 3) + rng.normal(0, 0.01, (HEIGHT, WIDTH))
        np.testing.assert_allclose(place(noisy), dark(noisy, SIGMA), atol=1e-9)


@settings(deadline=None, max_examples=200)
@given(st.floats(0, WIDTH - 1), st.floats(0, HEIGHT - 1), st.sampled_from([0.0, 2.0]), st.floats(0.05, 2))
def test_a_gaussian_is_found_within_a_twentieth_of_a_crop_pixel(x: float, y: float, blur: float, top: float) -> None:
    """Anywhere, borders and corners included."""
    found = decode(bump(x, y, height=top)[None, None], CELL, blur).keypoints_px[0, 0]
    assert np.abs(found - np.array([x, y]) * CELL).max() < 0.05


def test_rounding_to_cells_would_be_far_worse_and_a_quarter_step_too() -> None:
    """What the decoding is for: the same maps, read the classic way."""
    rng = np.random.default_rng(1)
    truth = rng.uniform(8, 40, (50, 2))
    maps = np.stack([bump(x, y) for x, y in truth])
    peak = np.stack(np.divmod(maps.reshape(50, -1).argmax(axis=1), WIDTH)[::-1], axis=1)
    found = decode(maps[:, None], (1.0, 1.0)).keypoints_px[:, 0]
    assert np.abs(found - truth).max() < 0.02 < 0.2 < np.abs(peak - truth).mean()


def test_smoothing_helps_where_maps_are_noisy() -> None:
    rng = np.random.default_rng(2)
    truth = rng.uniform(10, 38, (200, 2))
    maps = np.stack([bump(x, y) for x, y in truth]) + rng.normal(0, 0.03, (200, HEIGHT, WIDTH))
    plain, smooth = (np.abs(decode(maps[:, None], (1.0, 1.0), s).keypoints_px[:, 0] - truth).mean() for s in (0, SIGMA))
    assert smooth < 0.5 * plain


def test_confidence_is_the_height_and_rises_with_it() -> None:
    heights = [-0.5, 0.0, 0.1, 0.4, 0.9, 1.0, 1.7]
    decoded = decode(np.stack([bump(20, 30, height=h) for h in heights])[:, None], CELL)
    np.testing.assert_allclose(decoded.confidence[:, 0], [0, 0, 0.1, 0.4, 0.9, 1, 1], atol=1e-9)


def test_spread_is_the_standard_deviation_in_crop_pixels() -> None:
    spread = []
    for sigma in (1.0, 2.0, 3.0, 5.0):
        heatmap = bump(23, 31, sigma)
        kept = np.where(heatmap >= 0.05 * heatmap.max(), heatmap, 0)
        p = kept / kept.sum()
        rows, columns = np.mgrid[:HEIGHT, :WIDTH]
        variance = sum(
            (p * (axis * cell) ** 2).sum() - (p * axis * cell).sum() ** 2
            for axis, cell in ((columns, CELL[0]), (rows, CELL[1]))
        )
        spread.append(decode(heatmap[None, None], CELL).spread_px[0, 0])
        assert spread[-1] == pytest.approx(variance**0.5)
    assert (np.diff(spread) > 0).all()


def test_two_bumps_are_less_certain_than_one() -> None:
    one, two = bump(12, 30), bump(12, 30) + 0.9 * bump(36, 30)
    decoded = decode(np.stack([one, two])[:, None], CELL)
    assert decoded.spread_px[1, 0] > 4 * decoded.spread_px[0, 0]
    assert decoded.entropy[1, 0] > decoded.entropy[0, 0]
    np.testing.assert_allclose(decoded.keypoints_px[1, 0], np.array([12, 30]) * CELL, atol=0.05)


@pytest.mark.parametrize("fill", [0.0, -1.0, np.nan, np.inf, -np.inf, 0.7])
def test_maps_that_say_nothing_give_finite_answers(fill: float) -> None:
    decoded = decode(np.full((1, 1, HEIGHT, WIDTH), fill), CELL)
    for figure in (decoded.keypoints_px, decoded.confidence, decoded.spread_px, decoded.entropy):
        assert np.isfinite(figure).all()
    assert (decoded.confidence == (0.7 if fill == 0.7 else 0)).all()
    assert decoded.entropy[0, 0] == pytest.approx(1)
    assert decoded.spread_px[0, 0] > 60  # of a crop of 192x256


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**31), st.sampled_from([0.0, 1.0, 2.0]))
def test_no_map_whatever_leaves_the_crop_by_more_than_a_cell(seed: int, blur: float) -> None:
    rng = np.random.default_rng(seed)
    maps = rng.normal(size=(2, 3, 8, 6)) * 10.0 ** rng.integers(-12, 12, (2, 3, 1, 1))
    maps[rng.random(maps.shape) < 0.05] = rng.choice([np.nan, np.inf, -np.inf])
    decoded = decode(maps, (4.0, 4.0), blur)
    assert (decoded.keypoints_px >= -4).all()
    assert (decoded.keypoints_px <= [24, 32]).all()
    assert ((decoded.entropy >= 0) & (decoded.entropy <= 1 + 1e-9)).all()
    assert np.isfinite(decoded.spread_px).all()


def test_a_mirrored_map_is_the_map_of_the_mirrored_crop() -> None:
    """Exactly in unbiased coordinates; cells a whole stride apart must be interpolated, or the two lie 3 px apart."""
    mirror = mirror_matrix(CropSpec(192, 256))
    maps = np.stack([bump(5 + 2 * j, 9 + 3 * j) for j in range(17)])[None]
    shift = {}
    for coordinates in ("udp", "stride"):
        head, _ = make_head("heatmap", Layout(192, 256), {"coordinates": coordinates})
        plain, turned = (head.decode(m).keypoints_px[0] for m in ((maps,), head.mirrored((maps,))))
        shift[coordinates] = np.abs(apply_affine(mirror, plain)[FLIP_INDEX] - turned).max()
    assert shift["udp"] < 1e-6
    assert shift["stride"] < 0.06  # 0.75 cells of a bump are interpolated


@pytest.mark.parametrize("coordinates", ["udp", "stride"])
def test_a_flip_test_of_a_network_that_errs_nowhere_moves_nothing(coordinates: Coordinates) -> None:
    """A perfect network for either grid: its maps of crop and mirrored crop, averaged, say the same place."""
    head = Heatmap(Layout(192, 256), coordinates)
    rng = np.random.default_rng(0)
    places = rng.uniform([12, 12], [179, 243], (17, 2))
    columns, rows = np.arange(48) * head.cell_px[0], np.arange(64) * head.cell_px[1]

    def maps_of(points: NDArray[np.float64]) -> NDArray[np.float64]:
        off = (columns - points[:, :1])[:, None] ** 2 + ((rows - points[:, 1:]) ** 2)[:, :, None]
        return np.exp(-off / (2 * 8.0**2))[None]

    turned = pixel_grid.mirrored(places, 192)[FLIP_INDEX]
    averaged = (maps_of(places) + head.mirrored((maps_of(turned),))[0]) / 2
    found = head.decode((averaged,)).keypoints_px[0]
    np.testing.assert_allclose(found, places, atol=0.06)
    np.testing.assert_allclose((found - places).mean(axis=0), 0, atol=0.03)


def test_cells_span_the_axis_or_stand_a_stride_apart() -> None:
    assert cell_size_px(192, 48, "udp") * 47 == pytest.approx(191)
    assert cell_size_px(192, 48, "stride") == 4


def test_senseless_options_are_refused() -> None:
    with pytest.raises(ParamsError, match=r"udp \| stride"):
        Heatmap(Layout(), coordinates="none")  # type: ignore[arg-type]
    with pytest.raises(ParamsError, match="blur_sigma"):
        Heatmap(Layout(), blur_sigma=-1)
