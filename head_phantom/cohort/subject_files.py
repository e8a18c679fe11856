"""A simulated subject in files, in the layout of `atlas_builder.cohorts.labelled_scans`."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np

from atlas_builder import __version__
from atlas_builder.core.anatomy import SIDES, Region, Side
from atlas_builder.core.scan import Scan
from atlas_builder.io.dicom.writing import SeriesDescription, write_dicom_series
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.io.nifti.volumes import write_scan
from head_phantom.cohort.subject import Angiography, Subject
from head_phantom.infarct.infarct import Infarct, LesionMask, Territory
from head_phantom.infarct.truth import InfarctTruth, infarct_truth
from head_phantom.person.volumes import Anatomy
from head_phantom.scanner.dwi import Dwi
from head_phantom.scanner.scanner import Acquired

Format: TypeAlias = Literal["nifti", "dicom"]


def write_subject(folder: Path, subject: Subject, file_format: Format) -> None:
    """Write a subject's scan, drawings and truth.

    Parameters
    ----------
    folder : Path
        An existing folder, named after the participant or about to be.
    subject : Subject
        From `simulate_subject`.
    file_format : {'nifti', 'dicom'}
        Of the scan; labels are NIfTI.
    """
    name = subject.recipe.participant_id
    acquired, drawings = subject.acquired, subject.drawings
    if file_format == "dicom":
        write_dicom_series(folder / "dicom", acquired.scan, _describe(subject))
        if subject.acquisition.descending:
            # A series is read from the feet up, whichever way it was acquired.
            acquired = _reversed(acquired)
            drawings = {rater: labels[:, :, ::-1] for rater, labels in drawings.items()}
    else:
        write_scan(folder / f"{name}_ct.nii.gz", acquired.scan)
    affines = acquired.scan.affines
    for rater, labels in drawings.items():
        write_scan(folder / f"{name}_rater-{rater}_labels.nii.gz", Scan(labels, affines))
    write_scan(folder / f"{name}_desc-regions_labels.nii.gz", Scan(acquired.regions, affines))
    if subject.infarct is not None:
        lesion = acquired.lesion.astype(np.uint8)
        write_scan(folder / f"{name}_desc-lesion_mask.nii.gz", Scan(lesion, affines))
    if subject.findings.old_infarcts:
        cavity = acquired.cavity.astype(np.uint8)
        write_scan(folder / f"{name}_desc-cavity_mask.nii.gz", Scan(cavity, affines))
    if subject.dwi is not None:
        _write_dwi(folder, name, subject.dwi)
    if subject.angiography is not None:
        _write_angiography(folder, name, subject.angiography)
    truth = json.dumps(_truth(subject, acquired), indent=2, allow_nan=False)
    (folder / f"{name}.json").write_text(truth + "\n", "utf-8")


def _write_dwi(folder: Path, name: str, dwi: Dwi) -> None:
    """Write a diffusion scan: b 1000 and b 0, ADC in 10^-6 mm^2/s as scanners do, the lesion."""
    volumes = {
        "dwi": np.rint(dwi.b1000).astype(np.int16),
        "desc-b0_dwi": np.rint(dwi.b0).astype(np.int16),
        "adc": np.rint(dwi.adc * 1000.0).astype(np.int16),
        "space-dwi_desc-lesion_mask": dwi.lesion.astype(np.uint8),
    }
    for ending, volume in volumes.items():
        write_volume(folder / f"{name}_{ending}.nii.gz", volume, dwi.affine)


def _write_angiography(folder: Path, name: str, angiography: Angiography) -> None:
    """Write a CT angiography with the regions and the infarct on its own grid."""
    acquired = angiography.acquired
    volumes = {
        "cta": acquired.scan.data,
        "space-cta_desc-regions_labels": acquired.regions,
        "space-cta_desc-lesion_mask": acquired.lesion.astype(np.uint8),
    }
    for ending, volume in volumes.items():
        write_scan(folder / f"{name}_{ending}.nii.gz", Scan(volume, acquired.scan.affines))


def _describe(subject: Subject) -> SeriesDescription:
    acquisition = subject.acquisition
    group = subject.recipe.age_group
    return SeriesDescription(
        identifier=f"SIMULATED-{subject.recipe.participant_id}-{group}-{subject.recipe.seed}",
        # The same person scanned otherwise has other pixels.
        variant=f"{subject.recipe} {__version__}",
        age=int(subject.person.age),
        sex=subject.person.sex,
        thickness_mm=subject.acquired.thickness_mm,
        kernel=acquisition.kernel.value.upper(),
        tilt_deg=0.0 if acquisition.straightened else acquisition.tilt_deg,
        padding_hu=acquisition.padding_hu,
        resampled=acquisition.straightened,
    )


def _reversed(acquired: Acquired) -> Acquired:
    last = len(acquired.scan) - 1
    return Acquired(
        scan=Scan(acquired.scan.data[:, :, ::-1], acquired.scan.affines[::-1]),
        regions=acquired.regions[:, :, ::-1],
        lesion=acquired.lesion[:, :, ::-1],
        cavity=acquired.cavity[:, :, ::-1],
        brain=acquired.brain[:, :, ::-1],
        thickness_mm=acquired.thickness_mm[::-1],
        bgl_index=last - acquired.bgl_index,
        sgl_index=last - acquired.sgl_index,
        pose=acquired.pose,
    )


def _truth(subject: Subject, acquired: Acquired) -> dict[str, Any]:
    """Return what is known of a subject, as JSON holds it."""
    recipe = subject.recipe
    return (
        _findings(subject)
        | _vessels(subject)
        | {
            "simulated": True,
            "participant_id": recipe.participant_id,
            "age": subject.person.age,
            "sex": subject.person.sex,
            "bgl_slice": acquired.bgl_index,
            "sgl_slice": acquired.sgl_index,
            "infarct": None
            if subject.infarct is None
            else _infarct(subject.infarct, subject.anatomy),
            "person": _plain(asdict(subject.person)),
            "acquisition": _plain(asdict(subject.acquisition)),
            "pose": acquired.pose.tolist(),
            "seed": recipe.seed,
            "age_group": str(recipe.age_group),
            "index": recipe.index,
            "version": __version__,
        }
    )


def _findings(subject: Subject) -> dict[str, Any]:
    """Return what is found in people with a suspected stroke beside an acute infarct."""
    if subject.recipe.lesions is None:
        return {}
    findings, vessel = subject.findings, subject.findings.dense_vessel
    return {
        "dense_vessel": None if vessel is None else _plain(asdict(vessel)),
        "old_infarcts": len(findings.old_infarcts),
        "unevenness": None if findings.unevenness is None else asdict(findings.unevenness),
    }


def _vessels(subject: Subject) -> dict[str, Any]:
    """Return what is known of a CT angiography, where there is one."""
    angiography = subject.angiography
    if angiography is None:
        return {}
    acquired = angiography.acquired
    return {
        "cta": {
            **_plain(asdict(angiography.contrast)),
            "bgl_slice": acquired.bgl_index,
            "sgl_slice": acquired.sgl_index,
            "acquisition": _plain(asdict(angiography.acquisition)),
        }
    }


def _infarct(infarct: Infarct, anatomy: Anatomy) -> dict[str, Any]:
    truth = infarct_truth(anatomy)
    side = _side_of(infarct, truth, anatomy)
    known: dict[str, Any] = {
        "side": side,
        "hours": infarct.hours,
        "volume_ml": round(truth.lesion_ml, 2),
        "involvement": _shares(truth, side),
        "involved": [region.name for region in Region if truth.is_involved(side, region)],
        "aspects": truth.aspects(side),
        "seed": infarct.seed,
    }
    if isinstance(infarct.place, LesionMask):
        # Emboli of one heart reach both sides; a territory has one.
        known["other_side_involvement"] = _shares(truth, "left" if side == "right" else "right")
    return known


def _shares(truth: InfarctTruth, side: Side) -> dict[str, float]:
    return {region.name: round(truth.involvement[side, region], 4) for region in Region}


def _side_of(infarct: Infarct, truth: InfarctTruth, anatomy: Anatomy) -> Side:
    """Return the side whose regions an infarct takes more of, else the one it mostly lies on."""
    if isinstance(infarct.place, Territory):
        return infarct.place.side
    left, right = (sum(truth.involvement[side, region] for region in Region) for side in SIDES)
    if left != right:
        return "left" if left > right else "right"
    across = np.argwhere(anatomy.lesion)[:, 0] * anatomy.affine[0, 0] + anatomy.affine[0, 3]
    return "left" if (across < 0).sum() > (across > 0).sum() else "right"


def _plain(value: Any) -> Any:
    """Turn enumerations into their values and what is not finite into None."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
