"""Damaged, odd and unsuitable scans for ``fuzz_map.py``, made from a drawn head.

Every kind is a function of a folder and a random generator that makes an input and returns what to
give ``map-regions``.
"""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fuzz_head import BGL, SGL, SHAPE, SPACING, affine, head
from numpy.typing import NDArray

Array = NDArray[Any]
MAPPED, REFUSED = frozenset({0}), frozenset({2})
EITHER = MAPPED | REFUSED


@dataclass(frozen=True)
class Given:
    """What ``map-regions`` is given, and how it may end.

    Its map must be that of the twin, where there is one, and have the remark, where one is named.
    """

    scan: Path
    may_end: frozenset[int] = REFUSED
    options: dict[str, str] = field(default_factory=dict)
    twin: Path | None = None
    remark: str = ""


Kind = Callable[[Path, np.random.Generator], Given]
KINDS: list[Kind] = []


def kind(function: Kind) -> Kind:
    """Add a function to the kinds of inputs."""
    KINDS.append(function)
    return function


def save(folder: Path, data: Array, matrix: Array | None = None, name: str = "scan.nii.gz") -> Path:
    """Write a NIfTI file."""
    image = nib.Nifti1Image(data, affine() if matrix is None else matrix, dtype=data.dtype)
    nib.save(image, folder / name)
    return folder / name


def patch_header(path: Path, offset: int, value: bytes) -> Path:
    """Overwrite bytes of a compressed NIfTI file's header."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    content[offset : offset + len(value)] = value
    path.write_bytes(gzip.compress(bytes(content), 1))
    return path


@kind
def clean(folder: Path, rng: np.random.Generator) -> Given:
    """Give a head that must be mapped, stored in any orientation."""
    image = nib.Nifti1Image(head(rng, rng.uniform(1, 6)).astype(np.int16), affine())
    codes = [
        "".join(c) for c in (("L", "P", "S"), ("R", "A", "S"), ("S", "A", "L"), ("P", "I", "R"))
    ]
    wanted = codes[rng.integers(len(codes))]
    turned = image.as_reoriented(
        nib.orientations.ornt_transform(
            nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(tuple(wanted))
        )
    )
    nib.save(turned, folder / "scan.nii.gz")
    last = SHAPE[2] - 1
    indices = (last - BGL, last - SGL) if "I" in wanted else (BGL, SGL)
    options = {"--bgl-slice": str(indices[0]), "--sgl-slice": str(indices[1])}
    return Given(folder / "scan.nii.gz", MAPPED, options)


@kind
def still_a_head(folder: Path, rng: np.random.Generator) -> Given:
    """Give a head with something about it that may be flagged or refused."""
    volume, matrix = head(rng), affine()
    change = rng.integers(9)
    if change == 0:
        matrix[1, 2] = SPACING[2] * np.tan(np.radians(rng.uniform(5, 29)))
    elif change == 1:
        volume[: int(rng.uniform(10, 70))] = -1000
    elif change == 2:
        volume[60:70, 60:70] = 30000
    elif change == 3:
        volume = np.where((volume > 0) & (volume < 80), volume, 0)
    elif change == 4:
        volume[rng.integers(176), rng.integers(208), rng.integers(10)] = np.nan
    elif change == 5:
        volume = volume + rng.normal(0, 40, volume.shape)
    elif change == 6:
        volume[30:75, 60:140, BGL:] -= 14
    elif change == 7:
        volume = volume + 1024
    else:
        volume = np.clip((volume + 10) * 2.5, 0, 255)
    return Given(save(folder, volume.astype(np.float32), matrix), EITHER)


@kind
def no_head_ct(folder: Path, rng: np.random.Generator) -> Given:
    """Give something else than a head CT in HU."""
    volume = head(rng)
    x, y = np.meshgrid(np.arange(SHAPE[0]) - 88, np.arange(SHAPE[1]) - 104, indexing="ij")
    body = np.where(np.hypot(x / 85, y / 60) < 1, 45.0, -1000.0)
    body[np.hypot((np.abs(x) - 40) / 25, y / 35) < 1] = -850
    body[np.hypot(x, y - 40) < 10] = 400
    labels = np.zeros(SHAPE, np.uint8)
    labels[60:110, 70:140] = rng.integers(1, 11)
    mr = np.where(volume > 900, 30, np.where(volume > -900, 200 + 12 * volume, 0))
    choices = [
        np.full(SHAPE, float(rng.integers(-1000, 100))),
        np.zeros(SHAPE),
        np.full(SHAPE, np.nan),
        np.where(rng.random(SHAPE) < 0.5, np.inf, volume),
        rng.normal(30, 20, SHAPE),
        mr + rng.normal(0, 8, SHAPE),
        np.repeat(body[:, :, np.newaxis], SHAPE[2], axis=2) + rng.normal(0, 10, SHAPE),
        labels.astype(float),
        volume[::12, ::12],
        volume[:, :, :1],
        volume[:, :, 0],
        -volume,
    ]
    return Given(save(folder, choices[rng.integers(len(choices))].astype(np.float32)))


@kind
def odd_storage(folder: Path, rng: np.random.Generator) -> Given:
    """Give voxels of types and dimensions that scans do not have."""
    volume = head(rng)
    shape4 = volume[..., np.newaxis]
    colour = np.zeros(SHAPE, np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    choices: list[tuple[Array, frozenset[int]]] = [
        (volume.astype(np.complex64), REFUSED),
        (colour, REFUSED),
        (np.concatenate([shape4] * 3, axis=3), REFUSED),
        (shape4, MAPPED),
        (volume.astype(np.float64), MAPPED),
        (volume.astype(np.int32), MAPPED),
        (volume.astype(np.int8), REFUSED),
        (volume[:, :, :, np.newaxis, np.newaxis], MAPPED),
    ]
    data, may_end = choices[rng.integers(len(choices))]
    return Given(save(folder, data), may_end)


@kind
def bad_header(folder: Path, rng: np.random.Generator) -> Given:
    """Give a NIfTI header that cannot be true."""
    path = save(folder, head(rng).astype(np.int16))
    changes: list[tuple[int, bytes]] = [
        (40, struct.pack("<h", 9)),
        (42, struct.pack("<h", 32767)),
        (42, struct.pack("<3h", 32767, 32767, 32767)),
        (42, struct.pack("<h", -5)),
        (42, struct.pack("<h", 0)),
        (70, struct.pack("<h", 1234)),
        (108, struct.pack("<f", 1e9)),
        (108, struct.pack("<f", float("nan"))),
        (252, struct.pack("<2h", 0, 0)),
        (280, struct.pack("<f", float("nan"))),
        (280, struct.pack("<12f", *[0.0] * 12)),
        (280, struct.pack("<f", 1e30)),
        (344, b"nope"),
        (0, struct.pack("<i", 12345)),
    ]
    return Given(patch_header(path, *changes[rng.integers(len(changes))]), EITHER)


@kind
def flipped_header_bytes(folder: Path, rng: np.random.Generator) -> Given:
    """Give random bytes in the header of a NIfTI file."""
    path = save(folder, head(rng).astype(np.int16))
    for offset in rng.integers(0, 348, rng.integers(1, 6)):
        patch_header(path, int(offset), bytes([int(rng.integers(256))]))
    return Given(path, EITHER)


@kind
def damaged_file(folder: Path, rng: np.random.Generator) -> Given:
    """Give a NIfTI file that was cut, altered or never was one."""
    name = ("scan.nii", "scan.nii.gz")[rng.integers(2)]
    path = save(folder, head(rng).astype(np.int16), name=name)
    content = path.read_bytes()
    cut = int(rng.integers(len(content) - 1000))
    flipped = bytearray(gzip.compress(b"hello" * 999))
    flipped[len(flipped) // 2] ^= 0xFF
    choices = [
        content[:cut],
        b"",
        b"\x1f\x8b",
        rng.bytes(5000),
        b"a text, and no image\n" * 99,
        b"\x89PNG\r\n\x1a\n" + rng.bytes(999),
        b"%PDF-1.7\n" + rng.bytes(999),
        bytes(flipped),
        gzip.compress(gzip.compress(content, 1), 1),
        content[:300],
    ]
    path.write_bytes(choices[rng.integers(len(choices))])
    return Given(path)


@kind
def odd_path(folder: Path, rng: np.random.Generator) -> Given:
    """Give a path that is no scan, or a scan under a name that is hard to handle."""
    choice = rng.integers(11)
    if choice < 4:
        name = ("sp ace ü 脑.nii.gz", "line\nbreak.nii.gz", "-x.nii.gz", "%s{0}$HOME.nii.gz")[
            choice
        ]
        return Given(save(folder, head(rng).astype(np.int16), name=name), MAPPED)
    path = folder / "scan.nii.gz"
    if choice == 4:
        path = folder / ("x" * 300)
    elif choice == 5:
        path.symlink_to(folder / "gone")
    elif choice == 6:
        path.symlink_to(path)
    elif choice == 7:
        os.mkfifo(path)
    elif choice == 8:
        path.mkdir()
    elif choice == 9:
        path = Path("/dev/null")
    else:
        path = folder / "line\nbreak" / "gone"
    return Given(path)


@kind
def wrong_options(folder: Path, rng: np.random.Generator) -> Given:
    """Give a good scan with options that do not fit it."""
    path = save(folder, head(rng).astype(np.int16))
    (folder / "file").write_text("in the way")
    (folder / "no atlas").mkdir()
    choices = [
        {"--bgl-slice": "-1"},
        {"--bgl-slice": "10"},
        {"--sgl-slice": "1000000000000"},
        {"--bgl-slice": str(SGL), "--sgl-slice": str(BGL)},
        {"--sgl-slice": str(BGL)},
        {"--sgl-slice": "x"},
        {"--age": "-3"},
        {"--age": "nan"},
        {"--age": "400"},
        {"--age": "95"},
        {"--series": "2"},
        {"--atlas": str(folder / "no atlas")},
        {"--atlas": "unheard-of"},
        {"--atlas": "x" * 300},
        {"--out": str(folder / ("x" * 300))},
        {"--out": str(folder / "file")},
        {"--out": str(folder / "file" / "below")},
    ]
    return Given(path, REFUSED, choices[rng.integers(len(choices))])
