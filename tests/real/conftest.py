"""Real data for the tests in this folder, which skip where it is absent."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pydicom
import pytest

from atlas_builder.core.volume import Volume


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of `$ASPECTS_ATLAS_TEST_DATA`, else `../shared/data` from the project's root."""
    beside = Path(__file__).parents[2].parent / "shared" / "data"
    folder = Path(os.environ.get("ASPECTS_ATLAS_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no test data in {folder}; set ASPECTS_ATLAS_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def image(data: Path) -> Volume:
    """The b 1000 image of a man of 79 years, whose brain is atrophied."""
    files = [pydicom.dcmread(path) for path in (data / "real-ct/siemens-tilt/DWI").glob("*.dcm")]
    files.sort(key=lambda file: float(file.ImagePositionPatient[2]))
    affine = np.eye(4)
    row, column = np.array(files[0].ImageOrientationPatient, float).reshape(2, 3)
    first, last = (np.array(files[end].ImagePositionPatient, float) for end in (0, -1))
    affine[:3, 0] = row * float(files[0].PixelSpacing[1])
    affine[:3, 1] = column * float(files[0].PixelSpacing[0])
    affine[:3, 2] = (last - first) / (len(files) - 1)
    affine[:3, 3] = first
    pixels = np.stack([file.pixel_array.T for file in files], axis=-1)
    return Volume(pixels.astype(np.float32), np.diag([-1.0, -1, 1, 1]) @ affine)
