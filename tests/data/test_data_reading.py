"""Decoding: every mode by hand, and nothing that is damaged or unclear goes through."""

from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from data_layouts import SHAPE, grey, square, write, write_busi
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile

from xaiaudit.data import open_dataset, pixel_hash, read_grey, read_mask, read_samples
from xaiaudit.errors import DataError

LEVELS = np.arange(256, dtype=np.uint8).reshape(16, 16)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """ITU-R 601-2 in 16-bit fixed point."""
    return (rgb.astype(np.int64) @ [19595, 38470, 7471] + 0x8000) >> 16


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA"])
def test_grey_levels_come_back_as_they_were_in_every_opaque_mode(tmp_path: Path, mode: str) -> None:
    assert (read_grey(write(tmp_path / "a.png", LEVELS, mode)) == LEVELS).all()


def test_a_palette_is_looked_up(tmp_path: Path) -> None:
    image = Image.fromarray(LEVELS % 3).convert("P")
    image.putpalette([0, 0, 0, 200, 200, 200, 255, 0, 0])
    image.save(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as saved:
        assert saved.mode == "P"
    assert (read_grey(tmp_path / "a.png") == np.array([0, 200, 76])[LEVELS % 3]).all()


def test_black_and_white_becomes_0_and_255(tmp_path: Path) -> None:
    assert (read_grey(write(tmp_path / "a.png", square())) == square() * 255).all()


def test_a_coloured_overlay_becomes_luminance(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    assert (read_grey(write(tmp_path / "a.png", rgb)) == luminance(rgb)).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_is_black_whatever_its_hidden_colour(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(np.full(SHAPE, 200, np.uint8)).convert(mode)
    alpha = np.zeros(SHAPE, np.uint8)
    alpha[:, 20:] = 255
    alpha[:, 40:] = 128
    image.putalpha(Image.fromarray(alpha))
    image.save(tmp_path / "a.png")
    found = read_grey(tmp_path / "a.png")
    assert (found[:, :20] == 0).all()
    assert (found[:, 20:40] == 200).all()
    assert np.abs(found[:, 40:].astype(int) - 200 * 128 / 255).max() <= 1


def test_16_bits_are_scaled_by_the_range_of_the_format(tmp_path: Path) -> None:
    for suffix in ("png", "tif"):
        path = tmp_path / f"a.{suffix}"
        Image.fromarray(LEVELS.astype(np.uint16) * 257).save(path)
        assert (read_grey(path) == LEVELS).all()


def test_16_bits_that_hold_12_are_refused_and_not_shown_almost_black(tmp_path: Path) -> None:
    Image.fromarray(LEVELS.astype(np.uint16) * 16).save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png: its levels run from 0 to 4080.*8-bit"):
        read_grey(tmp_path / "a.png")


def test_floats_have_no_known_range(tmp_path: Path) -> None:
    Image.fromarray(LEVELS.astype(np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(DataError, match=r"a\.tif: mode F has no known grey range"):
        read_grey(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_an_image_is_turned_as_its_exif_orientation_says(tmp_path: Path, suffix: str) -> None:
    pixels = np.zeros((32, 48), np.uint8)
    pixels[:16, :16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    Image.fromarray(pixels).save(tmp_path / f"a.{suffix}", exif=exif)
    assert np.abs(read_grey(tmp_path / f"a.{suffix}").astype(int) - np.rot90(pixels, -1)).max() <= 16


def test_several_frames_are_refused(tmp_path: Path) -> None:
    frames = [Image.fromarray(grey(seed=i)) for i in range(3)]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match=r"a\.tif: holds 3 frames"):
        read_grey(tmp_path / "a.tif")


def test_what_is_no_image_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no image")
    with pytest.raises(DataError, match=r"a\.png: not an image"):
        read_grey(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"b\.png: no such file"):
        read_grey(tmp_path / "b.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "tif", "gif", "webp"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused_and_never_padded(tmp_path: Path, suffix: str, share: float) -> None:
    path = write(tmp_path / f"a.{suffix}", grey((64, 64)))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(DataError, match=rf"a\.{suffix}: (damaged or truncated|not an image)"):
        read_grey(path)
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


def _encoded(format_: str) -> bytes:
    out = BytesIO()
    Image.fromarray(grey((24, 24))).convert("P" if format_ == "GIF" else "RGB").save(out, format_)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("format_", ["PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP"])
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_damage_never_raises_anything_but_a_data_error(
    tmp_path: Path, format_: str, data: st.DataObject
) -> None:
    content = bytearray(_encoded(format_))
    for place in data.draw(st.lists(st.integers(0, min(len(content) - 1, 300)), min_size=1, max_size=8)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "a.png"
    path.write_bytes(content)
    found = _read_or_why(path)
    if isinstance(found, str):
        assert found.startswith(f"{path}: ")
        assert "\n" not in found
    else:
        assert found.dtype == np.uint8
        assert found.ndim == 2


def _read_or_why(path: Path) -> np.ndarray | str:
    try:
        return read_grey(path)
    except DataError as error:
        return str(error)


@pytest.mark.parametrize("mode", [None, "L", "LA", "RGB", "RGBA", "P", "I;16"])
def test_a_mask_is_the_same_in_every_mode(tmp_path: Path, mode: str | None) -> None:
    path = tmp_path / "m.png"
    if mode == "I;16":
        Image.fromarray(square().astype(np.uint16) * 65535).save(path)
    else:
        write(path, square(), mode)
    assert (read_mask([path], SHAPE) == square()).all()


@pytest.mark.parametrize("level", [1, 2, 38, 128, 255])
def test_a_mask_of_two_levels_needs_no_full_white(tmp_path: Path, level: int) -> None:
    assert (read_mask([write(tmp_path / "m.png", square() * np.uint8(level))], SHAPE) == square()).all()


def test_a_coloured_or_transparent_mask_is_its_shape(tmp_path: Path) -> None:
    colour = np.zeros((*SHAPE, 3), np.uint8)
    colour[square()] = (255, 0, 0)
    assert (read_mask([write(tmp_path / "red.png", colour)], SHAPE) == square()).all()
    shape = np.full((*SHAPE, 4), 255, np.uint8)
    shape[..., 3] = square() * 255
    assert (read_mask([write(tmp_path / "alpha.png", shape)], SHAPE) == square()).all()


def test_a_smooth_mask_is_cut_at_half_of_the_range(tmp_path: Path) -> None:
    assert (read_mask([write(tmp_path / "m.png", LEVELS)], LEVELS.shape) == (LEVELS > 127)).all()


def test_levels_that_leave_the_lesion_open_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"m\.png: a mask with several levels, none above 127"):
        read_mask([write(tmp_path / "m.png", LEVELS % 3)], LEVELS.shape)


def test_masks_are_united_and_none_is_empty(tmp_path: Path) -> None:
    paths = [write(tmp_path / f"{left}.png", square(left=left)) for left in (5, 9, 30)]
    union = square(left=5) | square(left=9) | square(left=30)  # the first two overlap
    assert (read_mask(paths, SHAPE) == union).all()
    assert not read_mask([], SHAPE).any()
    assert not read_mask([write(tmp_path / "black.png", np.zeros(SHAPE, np.uint8), "RGB")], SHAPE).any()


def test_a_mask_of_another_size_is_refused_with_both_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "m.png", square((30, 50)))
    with pytest.raises(DataError, match=r"m\.png: the mask is 50 x 30 pixels and its image 60 x 40"):
        read_mask([path], SHAPE)


def test_the_hash_is_of_shape_and_pixels_alone(tmp_path: Path) -> None:
    image = grey()
    assert pixel_hash(image) == sha256(b"40x60:" + bytes(image.ravel().tolist())).hexdigest()
    assert pixel_hash(image) != pixel_hash(image.reshape(60, 40))
    assert pixel_hash(np.asfortranarray(image)) == pixel_hash(image)
    png, tif = write(tmp_path / "a.png", image, "RGB"), write(tmp_path / "a.tif", image)
    assert pixel_hash(read_grey(png)) == pixel_hash(read_grey(tif))


def test_unreadable_images_are_left_out_named_and_counted_in_order(tmp_path: Path) -> None:
    root = write_busi(tmp_path / "busi")
    bad = root / "benign" / "benign (1).png"
    bad.write_bytes(bad.read_bytes()[:200])
    write(root / "malignant" / "malignant (1)_mask.png", square((30, 30)))
    samples, left_out = read_samples(open_dataset(root))
    assert [s.file for s in samples] == [
        "benign/benign (2).png",
        "benign/benign (3).png",
        "malignant/malignant (2).png",
    ]
    assert [item.file for item in left_out] == ["benign/benign (1).png", "malignant/malignant (1).png"]
    assert left_out[0].reason.startswith("damaged or truncated (")
    assert left_out[1].reason.startswith("malignant/malignant (1)_mask.png: the mask is 30 x 30 pixels")
    with pytest.raises(DataError, match=r"benign \(1\)\.png: damaged or truncated"):
        read_samples(open_dataset(root), strict=True)


def test_strict_refuses_what_was_missing_while_listing(tmp_path: Path) -> None:
    root = write_busi(tmp_path / "busi")
    (root / "benign" / "benign (1).png").unlink()
    assert len(read_samples(open_dataset(root))[1]) == 1
    with pytest.raises(DataError, match=r"benign \(1\)_mask\.png: a mask whose image is not there"):
        read_samples(open_dataset(root), strict=True)
