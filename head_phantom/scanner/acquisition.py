"""How one head CT was acquired: position, gantry, slices, field of view, reconstruction, faults."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from head_phantom.scanner.kernels import Kernel

_MOST_PITCH = 10.0
_MOST_TILT = 20.0
# Slices are laid along the orbitomeatal line, which falls towards the back against the line through
# the commissures, by 10 to 15 degrees where the technician aims at it.
_SLICE_ANGLE = (8.0, 6.0)
_LEAST_SLICE_ANGLE, _MOST_SLICE_ANGLE = -8.0, 20.0


@dataclass(frozen=True)
class Acquisition:
    """Everything that decides a scan but the subject and the noise's randomness.

    Attributes
    ----------
    pixel_mm : float
        The pixel size.
    matrix : int
        Columns and rows.
    thickness_mm : float
        Of a slice.
    spacing_mm : float
        Between the middles of slices along their normal.
    base_thickness_mm : float
        Of the slices below `base_top_mm`, whose spacing is their thickness.
    base_top_mm : float
        Where those end, along the normal from the subject's BGL point; minus infinity where there
        are none.
    start_mm : float
        Where the first slice's middle lies, along the normal from the subject's BGL point.
    beyond_vertex_mm : float
        How far above the vertex the slices go on; negative where they end below it.
    tilt_deg : float
        Of the gantry. Where it is positive, slices fall towards the back.
    straightened : bool
        The tilted slices were resampled to slices across the table afterwards.
    yaw_deg, pitch_deg, roll_deg : float
        How the head lies: turned in the plane, chin down, ear to the shoulder.
    shift_mm : tuple of float
        Of the head's middle from that of the field of view, to the right and to the front.
    table_mm : float
        The table's position at the subject's BGL point.
    kernel : Kernel
        Of the reconstruction.
    noise_hu : float
        Standard deviation in the middle of the BGL slice.
    beam_hardening : float
        How much of the hardening by bone is left uncorrected, 0 to 1.
    cupping : float
        How much of the hardening by water is left uncorrected; negative where it is overcorrected.
    motion_mm : float
        How far the head moves in the course of the scan, about.
    holder_hu : float or None
        Of the head holder's shell; None where it leaves no trace.
    padding_hu : int or None
        The value outside the reconstruction circle; None where the whole square is reconstructed.
    descending : bool
        Slices are stored from the vertex down.
    """

    pixel_mm: float = 0.45
    matrix: int = 512
    thickness_mm: float = 5.0
    spacing_mm: float = 5.0
    base_thickness_mm: float = 5.0
    base_top_mm: float = -np.inf
    start_mm: float = -55.0
    beyond_vertex_mm: float = 3.0
    tilt_deg: float = 0.0
    straightened: bool = False
    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    shift_mm: tuple[float, float] = (0.0, 0.0)
    table_mm: float = 0.0
    kernel: Kernel = Kernel.STANDARD
    noise_hu: float = 3.0
    beam_hardening: float = 0.3
    cupping: float = 0.0
    motion_mm: float = 0.0
    holder_hu: float | None = None
    padding_hu: int | None = None
    descending: bool = False

    @property
    def evenly_spaced(self) -> bool:
        """Whether one affine places all slices."""
        return self.base_top_mm <= self.start_mm

    def __post_init__(self) -> None:
        """Refuse what cannot be straightened.

        Raises
        ------
        ValueError
            Slices of two thicknesses are to be resampled.
        """
        if self.straightened and not self.evenly_spaced:
            raise ValueError("only evenly spaced slices can be straightened")


def draw_acquisition(
    rng: np.random.Generator,
    *,
    matrix: int = 512,
    thickness_mm: float | None = None,
    uneven_share: float = 0.0,
) -> Acquisition:
    """Draw how a scan is acquired, as head CT varies from hospital to hospital.

    Parameters
    ----------
    rng : Generator
        The only source of chance.
    matrix : int
        Columns and rows. The field of view stays what it is with 512.
    thickness_mm : float, optional
        Of slices; by default 5 mm for most, 2 to 7 mm for some.
    uneven_share : float
        The probability of thinner slices at the base than above, as older scanners do; such scans
        fit no single NIfTI affine.
    """
    slice_angle = float(np.clip(rng.normal(*_SLICE_ANGLE), _LEAST_SLICE_ANGLE, _MOST_SLICE_ANGLE))
    pitch = float(np.clip(rng.normal(0.0, 4.0), -_MOST_PITCH, _MOST_PITCH))
    tilted = rng.random() < 0.5
    tilt = float(np.clip(slice_angle - pitch, -_MOST_TILT, _MOST_TILT)) if tilted else 0.0
    tilt = round(2.0 * tilt) / 2.0  # gantries are set in half degrees
    if thickness_mm is None:
        usual = rng.random() < 0.7
        thickness_mm = 5.0 if usual else float(rng.choice([2.0, 2.5, 3.0, 4.0, 6.0, 7.0]))
    uneven = rng.random() < uneven_share
    base_thickness = max(2.0, thickness_mm - 3.0) if uneven else thickness_mm
    straightened = bool(rng.random() < 0.25 and tilt and not uneven)
    apart = rng.random() < 0.1
    kernel = Kernel(rng.choice([kernel.value for kernel in Kernel], p=[0.25, 0.55, 0.2]))
    noise = {Kernel.SMOOTH: (2.5, 3.5), Kernel.STANDARD: (2.5, 4.5), Kernel.SHARP: (3.5, 5.0)}
    off_centre = 12.0 if rng.random() < 0.15 else 4.0  # some cut the scalp or the skull off
    padding = [None, -1024, -2000, -3024]
    return Acquisition(
        pixel_mm=float(rng.uniform(0.39, 0.57)) * 512 / matrix,
        matrix=matrix,
        thickness_mm=thickness_mm,
        spacing_mm=thickness_mm + (float(rng.uniform(0.2, 1.0)) if apart else 0.0),
        base_thickness_mm=base_thickness,
        base_top_mm=float(rng.uniform(-25.0, 25.0)) if uneven else -np.inf,
        start_mm=float(rng.uniform(-65.0, -45.0)),
        beyond_vertex_mm=float(rng.uniform(-4.0, 8.0)),
        tilt_deg=tilt,
        straightened=straightened,
        yaw_deg=float(np.clip(rng.normal(0.0, 5.0), -15.0, 15.0)),
        pitch_deg=pitch,
        roll_deg=float(np.clip(rng.normal(0.0, 3.5), -10.0, 10.0)),
        shift_mm=(float(rng.normal(0.0, off_centre)), float(rng.normal(0.0, off_centre))),
        table_mm=round(float(rng.uniform(-400.0, 400.0)), 1),
        kernel=kernel,
        noise_hu=float(rng.uniform(*noise[kernel])),
        beam_hardening=float(rng.uniform(0.1, 0.7)),
        cupping=float(rng.uniform(-0.3, 0.6)),
        motion_mm=float(rng.uniform(0.3, 1.5)) if rng.random() < 0.15 else 0.0,
        holder_hu=float(rng.uniform(-150.0, 350.0)) if rng.random() < 0.8 else None,
        padding_hu=padding[int(rng.integers(len(padding)))],
        descending=bool(rng.random() < 0.3),
    )


def angiographic(
    acquisition: Acquisition, rng: np.random.Generator, thickness_mm: float | None = None
) -> Acquisition:
    """Draw how a CT angiography was acquired after a CT: thin slices, no tilt, the head as it lay.

    Parameters
    ----------
    acquisition : Acquisition
        The CT before it.
    rng : numpy.random.Generator
        The only source of chance.
    thickness_mm : float, optional
        Of slices; by default 0.7, 0.8 or 1.0 mm.

    Returns
    -------
    Acquisition
        Noise as of a dose spread over thin slices: 8 to 12 HU at 1 mm, less with the square root
        of the thickness.
    """
    drawn = float(rng.choice([0.7, 0.8, 1.0]))
    noise = float(rng.uniform(8.0, 12.0))
    thickness = drawn if thickness_mm is None else thickness_mm
    return replace(
        acquisition,
        thickness_mm=thickness,
        spacing_mm=thickness,
        base_thickness_mm=thickness,
        base_top_mm=-np.inf,
        tilt_deg=0.0,
        straightened=False,
        kernel=Kernel.STANDARD,
        noise_hu=max(noise / float(np.sqrt(thickness)), 3.0),
        motion_mm=0.0,
        descending=bool(rng.random() < 0.3),
    )
