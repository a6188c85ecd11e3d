"""Reading DICOM images. pydicom, of the extra `dicom`, is imported on use."""

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from xaiaudit.errors import DataError, InstallationError
from xaiaudit.types import Spacing

_GREY = ("MONOCHROME1", "MONOCHROME2")
_DARK = 16  # an image whose brightest pixel is below 1/16 of the range holds fewer bits than its header says


def require_pydicom() -> Any:
    """pydicom.

    Raises:
        InstallationError: it is not installed.
    """
    try:
        return import_module("pydicom")
    except ImportError as error:
        raise InstallationError(
            f"reading DICOM needs pydicom ({error}); install it with: pip install 'xaiaudit[dicom]'"
        ) from error


def read_spacing(path: Path) -> Spacing | None:
    """mm per pixel, rows and columns: PixelSpacing, else ImagerPixelSpacing; None where neither is a pair above zero.

    ImagerPixelSpacing is measured at the detector, so that lengths in the breast are a little shorter, by the
    magnification, which is not divided out. PixelSpacing comes first as it may be calibrated (PS3.3, 10.7.1.3).

    Raises:
        DataError: not a DICOM file.
    """
    header = _open(path, stop_before_pixels=True)
    for name in ("PixelSpacing", "ImagerPixelSpacing"):
        value = header.get(name)
        if value is not None and len(value) == 2 and all(np.isfinite(mm) and mm > 0 for mm in value):
            return float(value[0]), float(value[1])
    return None


def read_dicom(path: Path) -> Float32[np.ndarray, "h w"]:
    """Grey levels in [0, 1], black air, (h, w).

    The window of the header is applied where it has one, as a viewer does (PS3.3, C.11.2); otherwise 0 to
    2**BitsStored - 1 is the range, the format's own and not the image's, so that images stay comparable.
    MONOCHROME1 is inverted.

    Raises:
        DataError: no DICOM; no pixels, or pixels that cannot be decoded; colour, signed or rescaled levels, several
            frames; so dark that it must hold fewer bits than its header says.
    """
    file = _open(path)
    _require_plain_grey(file, path)
    levels = _decode(file, path)
    top = 2 ** int(file.BitsStored) - 1
    if levels.ndim != 2:
        raise DataError(f"{path}: holds {levels.shape[0]} frames; save one file a frame")
    if "WindowCenter" not in file and 0 < int(levels.max()) < top // _DARK:
        raise DataError(
            f"{path}: its levels end at {int(levels.max())} of {top}, so that the range of its {file.BitsStored} bits "
            "is not known; save it with a window, or as 8-bit grey in a manifest"
        )
    shown = _windowed(levels, file, path) / top
    return np.asarray(1 - shown if file.PhotometricInterpretation == "MONOCHROME1" else shown, np.float32)


def _open(path: Path, **options: Any) -> Any:
    pydicom = require_pydicom()
    try:
        return pydicom.dcmread(path, **options)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; check the path") from None
    except (pydicom.errors.InvalidDicomError, OSError, ValueError, EOFError) as error:
        raise DataError(
            f"{path}: not a DICOM file that can be read ({_line(error)}); copy it again"
        ) from None


def _require_plain_grey(file: Any, path: Path) -> None:
    kind = file.get("PhotometricInterpretation")
    if kind not in _GREY:
        raise DataError(
            f"{path}: {kind or 'no PhotometricInterpretation'} is not grey; save it as MONOCHROME2"
        )
    if "BitsStored" not in file:
        raise DataError(f"{path}: no BitsStored in its header, so its range is not known; copy it again")
    if file.get("PixelRepresentation", 0) != 0:
        raise DataError(f"{path}: its levels are signed, so black is not known; save it with unsigned ones")
    if float(file.get("RescaleSlope", 1)) != 1 or float(file.get("RescaleIntercept", 0)) != 0:
        raise DataError(
            f"{path}: its levels are rescaled (RescaleSlope {file.get('RescaleSlope')}), which no mammogram's are; "
            "save it as 8-bit grey and list it in a manifest"
        )


def _decode(file: Any, path: Path) -> np.ndarray[Any, Any]:
    try:
        levels: np.ndarray[Any, Any] = file.pixel_array
    except (AttributeError, RuntimeError, ValueError, NotImplementedError, KeyError, EOFError) as error:
        syntax = getattr(getattr(file, "file_meta", None), "TransferSyntaxUID", None)
        if syntax is not None and syntax.is_compressed:
            raise DataError(
                f"{path}: its pixels are compressed ({syntax.name}) and cannot be decoded ({_line(error)}); install a "
                "decoder that pydicom names, e.g. pip install pylibjpeg[all], or save it uncompressed"
            ) from None
        raise DataError(f"{path}: damaged or without pixels ({_line(error)}); copy it again") from None
    return levels


def _windowed(levels: np.ndarray[Any, Any], file: Any, path: Path) -> np.ndarray[Any, Any]:
    """Through the first window of the header, if there is one, onto 0 to 2**BitsStored - 1."""
    try:
        shown: np.ndarray[Any, Any] = import_module("pydicom.pixels").apply_windowing(levels, file)
    except (ValueError, TypeError) as error:
        raise DataError(f"{path}: its window cannot be used ({_line(error)}); mend its header") from None
    return shown


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
