"""Every kind of pixel to 8-bit BGR as `docs/data.md` says, and no half-decoded picture."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from dataengine.errors import InputError
from dataengine.pictures.reading.decoding import decode, decode_picture, read_bytes, read_picture
from dataengine.pictures.reading.header import PictureFault

from ..helpers.made_pictures import LOSSLESS, opened, photo, saved


def cv2_image(content: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image.astype(int)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"subsampling": 0}, {"subsampling": 1}, {"quality": 30}]
)
@pytest.mark.parametrize("size", [(301, 203), (16, 16), (1, 1), (7, 90)])
def test_jpegs_are_decoded_as_opencv_decodes_them(size: tuple[int, int], options: dict[str, int]) -> None:
    content = saved(photo(*size), "JPEG", **options)
    assert np.abs(decode_picture(content).astype(int) - cv2_image(content)).max() <= 1
    reduced = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}
    for factor, flag in reduced.items():
        small = decode(content, reduction=factor)
        reference = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
        assert small.reduction == factor and reference is not None
        assert np.abs(small.pixels.astype(int) - reference).max() <= 1


@pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
def test_colour_spaces_of_jpeg(mode: str) -> None:
    """CMYK is stored inverted by Adobe, and by Pillow; plain RGB has no brightness of its own."""
    image = photo(60, 40).convert(mode)
    content = saved(image, "JPEG", quality=98, subsampling=0, **({"keep_rgb": True} if mode == "RGB" else {}))
    assert np.abs(decode_picture(content).astype(int) - cv2_image(content)).max() <= 1
    assert np.abs(decode_picture(content)[..., ::-1].astype(int) - np.asarray(image.convert("RGB"))).max() <= 12
    grey = decode(content, grey=True).pixels
    assert np.abs(grey.astype(int) - np.asarray(opened(content).convert("RGB").convert("L"))).max() <= 2


@pytest.mark.parametrize("kind", LOSSLESS)
def test_transparent_pixels_lie_on_white(kind: str) -> None:
    rgba = np.random.default_rng(0).integers(0, 256, (20, 30, 4), dtype=np.uint8)
    rgba[0, 0, 3], rgba[0, 1, 3] = 0, 255
    content = saved(Image.fromarray(rgba), kind, **LOSSLESS[kind] | ({"exact": True} if kind == "WEBP" else {}))
    image = decode_picture(content)
    paper = Image.alpha_composite(Image.new("RGBA", (30, 20), "white"), Image.fromarray(rgba)).convert("RGB")
    np.testing.assert_allclose(image[..., ::-1].astype(int), np.asarray(paper).astype(int), atol=1)
    assert image[0, 0].tolist() == [255] * 3 and image[0, 1].tolist() == rgba[0, 1, 2::-1].tolist()


def test_palettes_are_looked_up_and_their_transparent_colour_is_white() -> None:
    palette = photo(40, 30).quantize(16)
    np.testing.assert_array_equal(decode_picture(saved(palette, "PNG"))[..., ::-1], np.asarray(palette.convert("RGB")))
    np.testing.assert_array_equal(decode_picture(saved(palette, "GIF"))[..., ::-1], np.asarray(palette.convert("RGB")))
    hole = int(np.asarray(palette)[0, 0])
    image = decode_picture(saved(palette, "PNG", transparency=hole))
    assert (image[np.asarray(palette) == hole] == 255).all()
    assert not (image[np.asarray(palette) != hole] == 255).all(axis=-1).any()


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey_is_three_equal_colours(mode: str) -> None:
    image = photo(40, 30).convert(mode)
    decoded = decode_picture(saved(image, "PNG"))
    for channel in range(3):
        np.testing.assert_array_equal(decoded[..., channel], np.asarray(image.convert("L")))


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("left", [0.3, 0.7, 0.97, "end"])
@pytest.mark.parametrize("reduction", [1, 8])
def test_a_truncated_jpeg_is_refused(left: float | str, progressive: bool, reduction: int) -> None:
    """OpenCV gives a picture for each of these, grey from where the file ends."""
    content = saved(photo(300, 200), "JPEG", progressive=progressive)
    cut = content[:-2] if left == "end" else content[: int(len(content) * float(left))]
    with pytest.raises(PictureFault, match="Premature end"):
        decode(cut, reduction=reduction)


def test_a_jpeg_damaged_in_the_middle_is_refused_though_opencv_and_pillow_take_it() -> None:
    content = bytearray(saved(photo(300, 200), "JPEG"))
    content[len(content) // 2 : len(content) // 2 + 200] = bytes(200)
    opened(bytes(content)).load()
    assert cv2_image(bytes(content)).shape == (200, 300, 3)
    with pytest.raises(PictureFault, match="Corrupt JPEG data"):
        decode_picture(bytes(content))


def test_what_follows_a_jpegs_end_is_passed_over() -> None:
    content = saved(photo(60, 40), "JPEG")
    np.testing.assert_array_equal(decode_picture(content + b"a phone's trailer" * 50), decode_picture(content))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "GIF", "JPEG2000", "BMP", "AVIF"])
def test_a_truncated_file_of_another_format_is_refused(kind: str) -> None:
    packed: dict[str, Any] = {"compression": "tiff_lzw"} if kind == "TIFF" else {}
    content = saved(photo(120, 90), kind, **packed)
    decode_picture(content)
    for left in (0.4, 0.9):
        with pytest.raises(PictureFault):
            decode_picture(content[: int(len(content) * left)])


def test_sampling_that_simplejpeg_does_not_know_is_decoded_by_pillow() -> None:
    """A flat grey picture of 24x8 pixels, brightness sampled three times as often as colour."""
    content = saved(Image.new("RGB", (24, 8), (128, 128, 128)), "JPEG", subsampling=0)
    frame, scan = content.index(b"\xff\xc0"), content.index(b"\xff\xda")
    frame_end = frame + 2 + int.from_bytes(content[frame + 2 : frame + 4], "big")
    header = bytearray(content[frame:frame_end])
    header[11] = 0x31  # of the first component: 3 across, 1 down
    bits = "001010" * 3 + "0000" * 2  # no change, end of block, by the standard's tables
    bits = bits.ljust(-(-len(bits) // 8) * 8, "1")
    scan_end = scan + 2 + int.from_bytes(content[scan + 2 : scan + 4], "big")
    data = int(bits, 2).to_bytes(len(bits) // 8, "big") + b"\xff\xd9"
    odd = content[:frame] + bytes(header) + content[frame_end:scan_end] + data
    assert decode(odd, reduction=4).reduction == 1
    np.testing.assert_array_equal(decode_picture(odd), np.full((8, 24, 3), 128))


def test_other_formats_are_decoded_whole() -> None:
    content = saved(photo(160, 120), "PNG")
    small = decode(content, reduction=4)
    assert (small.reduction, small.pixels.shape) == (1, (120, 160, 3))


def test_a_missing_and_a_broken_file_are_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.jpg cannot be used: in none of the formats"):
        read_picture(tmp_path / "broken.jpg")
    with pytest.raises(InputError, match=r"gone\.jpg does not exist"):
        read_picture(tmp_path / "gone.jpg")
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_picture(tmp_path)


def test_bytes_are_read_to_the_end(tmp_path: Path) -> None:
    content = np.random.default_rng(0).bytes(3_000_000)
    (tmp_path / "a").write_bytes(content)
    assert read_bytes(tmp_path / "a") == content
    (tmp_path / "a").write_bytes(b"")
    assert read_bytes(str(tmp_path / "a")) == b""


def test_the_pixels_may_be_written_to() -> None:
    for kind in ("JPEG", "PNG", "GIF"):
        image = decode_picture(saved(photo(20, 10), kind))
        image[:] = 0
        assert image.flags.c_contiguous
