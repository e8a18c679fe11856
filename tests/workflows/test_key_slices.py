"""Which slices are mapped: given, following from the BGL, or found; and what is said about it."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from atlas_builder.core.errors import InputError
from atlas_builder.core.flags import Flag
from atlas_builder.core.scan import Scan
from atlas_builder.workflows.key_slices import ChosenSlices, choose_slices, remarks_on_given
from slice_localizer.alignment.height_profile import HEIGHTS, SHARES


class Source:
    """A scan of 5 mm slices that counts how often it is read."""

    def __init__(self, count: int = 12) -> None:
        self.affines = np.repeat(np.eye(4)[np.newaxis], count, axis=0)
        self.affines[:, 2, 3] = 5.0 * np.arange(count)
        self.reads = 0

    def read(self) -> Scan:
        self.reads += 1
        return Scan(np.zeros((4, 4, len(self.affines)), np.float32), self.affines)


def choose(source: Source, bgl: int | None, sgl: int | None):
    return choose_slices(source, Path("a.nii"), bgl, sgl)


def test_given_slices_are_taken_without_reading_the_scan() -> None:
    source = Source()
    chosen = choose(source, 3, 6)
    assert chosen.indices == {"BGL": 3, "SGL": 6}
    assert chosen.origin == {"from": "given"}
    assert source.reads == 0


def test_the_sgl_follows_from_the_bgl() -> None:
    source = Source()
    assert choose(source, 3, None).indices == {"BGL": 3, "SGL": 7}
    assert source.reads == 0
    with pytest.raises(InputError, match=r"a\.nii: no slice 12 for the BGL"):
        choose(source, 12, None)
    with pytest.raises(InputError, match=r"a\.nii: the scan ends 5 mm above slice 10"):
        choose(source, 10, None)
    with pytest.raises(InputError, match="without --bgl-slice"):
        choose(source, None, 7)


@pytest.fixture
def found(monkeypatch):
    """Choose slices that are found, in a head that is pitched."""

    def found(pitch: float, flags: tuple[Flag, ...] = ()) -> ChosenSlices:
        affine = np.eye(4)
        affine[:3, :3] = Rotation.from_euler("x", pitch, degrees=True).as_matrix()
        located = SimpleNamespace(
            bgl_slice=4,
            sgl_slice=8,
            confidence=0.71,
            alignment_difference_mm=6.0,
            alignment=SimpleNamespace(correlation=0.9, affine=affine, upside_down=False),
            flags=flags,
            timings={"network": 1.0},
        )
        module = ModuleType("slice_localizer.locating")
        module.locate_slices = lambda scan, localizer: located
        monkeypatch.setitem(sys.modules, "slice_localizer.locating", module)
        return choose(Source(), None, None)

    return found


def test_the_slices_of_a_pitched_head_that_are_thick_are_flagged_with_the_angle(found) -> None:
    chosen = found(-11.0)
    assert [flag.code for flag in chosen.remarks] == ["pitched-head"]
    assert "13 degrees" in chosen.remarks[0].reason
    assert chosen.reformatted is None
    assert found(-3.0).remarks == ()


def test_found_slices_carry_their_reservations(found) -> None:
    flags = (Flag("slices-disagree", "6 mm apart"),)
    chosen = found(0.0, flags)
    assert chosen.indices == {"BGL": 4, "SGL": 8}
    assert chosen.origin["from"] == "located"
    assert chosen.origin["confidence"] == 0.71
    assert chosen.origin["second_opinion_difference_mm"] == 6.0
    assert chosen.remarks == flags
    assert chosen.timings == {"locate_network": 1.0}


class NarrowingHead(Source):
    """Discs of tissue that shrink like a head above slice 4, 5 mm apart; the file may say else."""

    def __init__(self, stated_mm: float) -> None:
        super().__init__(24)
        self.affines[:, :2, :2] *= 3.0
        self.affines[:, 2, 3] = stated_mm * np.arange(24)
        x, y = np.meshgrid(np.arange(64) - 31.5, np.arange(64) - 31.5, indexing="ij")
        above = np.maximum(5.0 * (np.arange(24) - 4), 0.0)
        areas = np.interp(above / 145.0, HEIGHTS, SHARES) * 145.0**2
        radius = np.sqrt(areas / np.pi) / 3.0
        inside = np.hypot(x, y)[:, :, np.newaxis] < radius
        self.hu = np.where(inside, 35.0, -1000.0).astype(np.float32)

    def read(self, indices: list[int]) -> Scan:
        return Scan(self.hu[:, :, indices], self.affines[indices])


@pytest.mark.parametrize(
    ("stated", "codes"), [(5.0, []), (3.0, ["head-proportions"]), (8.0, ["head-proportions"])]
)
def test_a_wrong_distance_between_slices_is_remarked_on_where_slices_are_given(
    stated, codes
) -> None:
    head = NarrowingHead(stated)
    remarks = remarks_on_given(head.read, head.affines, {"BGL": 4, "SGL": 8})
    assert [flag.code for flag in remarks] == codes


def test_other_slices_that_cannot_be_read_are_no_refusal() -> None:
    class Damaged(NarrowingHead):
        def read(self, indices: list[int]) -> Scan:
            raise InputError("Doe_Jane/IM7.dcm: damaged")

    head = Damaged(5.0)
    (flag,) = remarks_on_given(head.read, head.affines, {"BGL": 4, "SGL": 8})
    assert flag.code == "head-unchecked"
    assert "Doe" not in flag.reason
