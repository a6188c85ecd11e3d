"""DICOM to grey levels: range, window, inversion, spacing, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from data_layouts import mammogram, write_dicom

from xaiaudit.data.breast import breast
from xaiaudit.data.dicom import read_dicom, read_spacing
from xaiaudit.errors import DataError

RAMP = np.array([[0, 4096, 8192, 16383]], np.uint16)


def test_levels_are_shares_of_the_bits_that_are_stored(tmp_path: Path) -> None:
    assert read_dicom(write_dicom(tmp_path / "a.dcm", RAMP))[0] == pytest.approx(RAMP[0] / 16383)
    twelve = write_dicom(tmp_path / "b.dcm", RAMP // 4, BitsStored=12, HighBit=11)
    assert read_dicom(twelve)[0] == pytest.approx((RAMP // 4)[0] / 4095)
    inverse = write_dicom(tmp_path / "c.dcm", RAMP, PhotometricInterpretation="MONOCHROME1")
    assert read_dicom(inverse)[0] == pytest.approx(1 - RAMP[0] / 16383)


def test_the_window_of_the_header_is_applied(tmp_path: Path) -> None:
    # PS3.3, C.11.2.1.2: black up to c - 0.5 - (w - 1) / 2, white above c - 0.5 + (w - 1) / 2, linear between
    path = write_dicom(tmp_path / "a.dcm", RAMP, WindowCenter=8192, WindowWidth=8193)
    assert read_dicom(path)[0] == pytest.approx(
        [0, (4096 - 8191.5) / 8192 + 0.5, (8192 - 8191.5) / 8192 + 0.5, 1]
    )


def test_spacing_of_both_axes_and_of_either_attribute(tmp_path: Path) -> None:
    def spacing(**header: object) -> tuple[float, float] | None:
        return read_spacing(write_dicom(tmp_path / "a.dcm", RAMP, **header))

    assert spacing() == pytest.approx((0.07, 0.07))
    assert spacing(PixelSpacing=[0.08, 0.06]) == pytest.approx((0.08, 0.06))  # rows first
    assert spacing(PixelSpacing=[0, 0]) == pytest.approx((0.07, 0.07))
    assert spacing(ImagerPixelSpacing=None) is None


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"PhotometricInterpretation": "RGB"}, "RGB is not grey"),
        ({"PixelRepresentation": 1}, "signed"),
        ({"RescaleSlope": 2, "RescaleIntercept": 0}, "rescaled"),
        ({"BitsStored": None}, "no BitsStored"),
        ({"WindowCenter": 100, "WindowWidth": 0}, "its window cannot be used"),
        ({"PixelData": None}, "damaged or without pixels"),
        ({"PixelData": b"\0\0"}, "damaged or without pixels"),
        ({"NumberOfFrames": 2, "PixelData": bytes(16)}, "holds 2 frames"),
    ],
)
def test_what_has_no_known_grey_range_is_refused(
    tmp_path: Path, header: dict[str, object], reason: str
) -> None:
    path = write_dicom(tmp_path / "a.dcm", RAMP, **header)
    with pytest.raises(DataError, match=reason) as caught:
        read_dicom(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_levels_of_fewer_bits_than_the_header_says_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"its levels end at 1000 of 16383"):
        read_dicom(write_dicom(tmp_path / "a.dcm", np.array([[0, 1000]], np.uint16)))


def test_no_dicom_and_pixels_that_cannot_be_decoded(tmp_path: Path) -> None:
    from pydicom import dcmread
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGLosslessSV1

    (tmp_path / "text.dcm").write_text("no DICOM")
    with pytest.raises(DataError, match="not a DICOM file that can be read"):
        read_spacing(tmp_path / "text.dcm")
    with pytest.raises(DataError, match="no such file"):
        read_dicom(tmp_path / "nowhere.dcm")
    file = dcmread(write_dicom(tmp_path / "a.dcm", RAMP))
    file.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    file.PixelData = encapsulate([b"\xff\xd8 no JPEG"])
    file.save_as(tmp_path / "b.dcm")
    with pytest.raises(DataError, match=r"its pixels are compressed \(JPEG Lossless.* and cannot be decoded"):
        read_dicom(tmp_path / "b.dcm")


def test_the_breast_is_the_largest_region_brighter_than_air() -> None:
    levels = (mammogram() / 16383).astype(np.float32)
    assert breast(levels) == (slice(10, 110), slice(0, 60))
    assert breast(levels[:, ::-1]) == (slice(10, 110), slice(30, 90))
    noisy = levels + np.where(levels == 0, 0.01, 0).astype(np.float32)  # air of 1 % of the range
    assert breast(noisy) == (slice(10, 110), slice(0, 60))
    assert breast(np.full((4, 5), 0.5, np.float32)) == (slice(0, 4), slice(0, 5))
