import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage as ndi

from atlas_builder.catalogue import mni_head as head_module
from atlas_builder.catalogue.mni_head import load_head, save_tissues
from atlas_builder.catalogue.mni_regions import load_mni_aspects
from atlas_builder.catalogue.tissues import Tissue, mean_hu
from atlas_builder.core.errors import InputError
from atlas_builder.preprocessing.plausibility import find_brain

PIXEL_MM = 0.45


@pytest.fixture(scope="module")
def head():
    return load_head()


@pytest.fixture(scope="module")
def hu(head):
    return sum(
        share.astype(np.float32) * np.float32(mean_hu(tissue, 40) / 255)
        for tissue, share in head.tissues.items()
    )


def at(head, volume, *point):
    """Value of a volume at a point in mm."""
    x, y, z = np.rint(np.array(point) - head.affine[:3, 3]).astype(int)
    return volume[x, y, z]


def resampled(head, volume, z, thickness=5.0):
    """Average a volume over an axial slice as a scanner does: first axis to the left, then back."""
    x = np.arange(-99, 99, PIXEL_MM)[::-1]
    y = np.arange(-129, 121, PIXEL_MM)[::-1]
    heights = z + thickness * (np.arange(5) - 2) / 5
    origin = head.affine[:3, 3]
    slices = []
    for height in heights:
        places = np.meshgrid(x - origin[0], y - origin[1], height - origin[2], indexing="ij")
        slices.append(ndi.map_coordinates(volume, places, order=1, output=np.float32)[..., 0])
    return np.mean(slices, axis=0)


def test_fractions_add_up_to_255_in_every_voxel(head):
    assert list(head.tissues) == list(Tissue)
    total = np.zeros(head.regions.shape, np.uint16, order="F")
    for share in head.tissues.values():
        total += share
    assert total.min() == total.max() == 255


def test_the_head_is_symmetric(head):
    middle = -head.affine[0, 3]
    assert middle == (head.regions.shape[0] - 1) / 2
    for tissue in (Tissue.GREY, Tissue.CORTICAL_BONE, Tissue.FAT):
        share = head.tissues[tissue]
        assert np.array_equal(share, share[::-1])


@pytest.mark.parametrize(
    ("tissue", "point"),
    [
        (Tissue.GREY, (12, 12, 8)),  # caudate
        (Tissue.GREY, (26, 4, 4)),  # putamen
        (Tissue.GREY, (19, -4, 0)),  # globus pallidus, white on T1-weighted MR
        (Tissue.GREY, (11, -17, 8)),  # thalamus
        (Tissue.WHITE, (25, -50, 28)),
        (Tissue.WHITE, (20, 6, 9)),  # internal capsule, anterior limb
        (Tissue.WHITE, (0, 26, 8)),  # genu of the corpus callosum
        (Tissue.CSF, (6, 14, 8)),  # frontal horn
        (Tissue.CSF, (0, -40, -32)),  # fourth ventricle
        (Tissue.CSF, (0, -3, -20)),  # suprasellar cistern
        (Tissue.VITREOUS, (33, 60, -38)),
        (Tissue.LENS, (33, 68, -38)),
        (Tissue.AIR, (31, 52, -70)),  # maxillary sinus
        (Tissue.AIR, (6, 14, -41)),  # sphenoid sinus
        (Tissue.CORTICAL_BONE, (44, -27, -42)),  # petrous bone
        (Tissue.DURA, (0, -60, 40)),  # falx
        (Tissue.BLOOD, (0, -70, -5)),  # straight sinus
        (Tissue.CALCIFICATION, (0, -31, 3)),  # pineal body
        (Tissue.CALCIFICATION, (23, -41, 10)),  # choroid plexus
    ],
)
def test_structures_lie_where_mni_space_has_them(head, tissue, point):
    x, y, z = point
    for side in (-x, x):
        shares = {t: at(head, share, side, y, z) for t, share in head.tissues.items()}
        assert max(shares, key=shares.get) is tissue


def test_no_false_grey_rim_around_the_ventricles(head):
    # Lateral to the body of the ventricle, behind the caudate's head, fluid meets white matter.
    row = [at(head, head.tissues[Tissue.GREY], x, -32, 22) for x in range(24, 34)]
    assert max(row) < 128


def test_bone_encloses_the_brain_but_for_the_foramen_magnum(head):
    soft = head.tissues[Tissue.CORTICAL_BONE].astype(int) + head.tissues[Tissue.DIPLOE] < 100
    origin = -head.affine[2, 3]
    above_foramen = soft[:, :, int(origin - 62) :]
    # Fissures and canals narrower than 2 mm are no way out for what follows.
    labels, _ = ndi.label(ndi.binary_erosion(above_foramen))
    inside = labels[100, 130 + 10, 62 + 26]
    assert inside > 0
    assert inside != labels[100, 130 + 10, -1]
    share_of_space = np.count_nonzero(labels == inside) / np.count_nonzero(labels)
    assert share_of_space < 0.5


def test_fractions_change_softly(head):
    grey = head.tissues[Tissue.GREY]
    inner = np.count_nonzero((grey > 25) & (grey < 230))
    assert inner > 0.2 * np.count_nonzero(grey > 127)


def test_regions_are_those_of_the_mni_atlas_in_the_same_place(head):
    atlas = load_mni_aspects()
    assert np.count_nonzero(head.regions) == np.count_nonzero(atlas.labels)
    voxel = np.argwhere(atlas.labels == 12)[0]
    place = atlas.affine[:3, :3] @ voxel + atlas.affine[:3, 3]
    assert at(head, head.regions, *place) == 12
    tissue = head.tissues[Tissue.GREY].astype(int) + head.tissues[Tissue.WHITE]
    assert np.mean(tissue[head.regions > 0] > 127) > 0.85


@pytest.mark.parametrize("z", [-4, 6, 24, 40])
def test_the_brain_is_found_on_slices_as_a_scanner_shows_them(head, hu, z):
    noise = np.random.default_rng(z + 100).standard_normal((440, 556), dtype=np.float32)
    image = resampled(head, hu, z)
    image += 4 * ndi.gaussian_filter(noise, 1.0)[: image.shape[0], : image.shape[1]] * 3.5
    brain = find_brain(image, (PIXEL_MM, PIXEL_MM))
    tissue = (head.tissues[Tissue.GREY].astype(np.float32) + head.tissues[Tissue.WHITE]) / 255
    truth = ndi.binary_fill_holes(resampled(head, tissue, z) > 0.5)
    dice = 2 * np.count_nonzero(brain & truth) / (brain.sum() + truth.sum())
    assert dice > 0.95


def test_grey_and_white_matter_peak_where_scans_have_them(head, hu):
    # The averaged slices of ASPECTS-281, 30-49 years, peak at 29 and 36 HU.
    image = ndi.gaussian_filter(resampled(head, hu, 24.0), 1.0)
    brain = find_brain(image, (PIXEL_MM, PIXEL_MM))
    counts, edges = np.histogram(image[ndi.binary_erosion(brain, iterations=6)], np.arange(20, 45))
    smooth = ndi.gaussian_filter1d(counts.astype(float), 0.7)
    peaks = [
        edges[i] + 0.5
        for i in range(1, len(smooth) - 1)
        if smooth[i] > smooth[i - 1] and smooth[i] >= smooth[i + 1]
    ]
    assert min(peaks, key=lambda p: abs(p - 29)) == pytest.approx(29, abs=2)
    assert min(peaks, key=lambda p: abs(p - 36)) == pytest.approx(36, abs=2)
    assert max(peaks) - min(peaks) > 4


def test_saved_fractions_come_back_and_repeat_their_bytes(head, monkeypatch, tmp_path):
    copies = [tmp_path / "one.nii.gz", tmp_path / "two.nii.gz"]
    block = np.stack([share[90:110, 100:130, 60:90] for share in head.tissues.values()], axis=-1)
    for copy in copies:
        monkeypatch.setattr(head_module, "TISSUES_FILE", copy)
        save_tissues(block, head.affine)
    assert copies[0].read_bytes() == copies[1].read_bytes()
    image = nib.load(copies[0])
    assert image.header["sform_code"] == 4  # MNI space
    assert np.array_equal(np.asarray(image.dataobj), block)
    again = load_head()
    assert np.array_equal(again.tissues[Tissue.GREY], block[..., list(Tissue).index(Tissue.GREY)])


def test_another_number_of_tissues_is_refused(head, monkeypatch, tmp_path):
    monkeypatch.setattr(head_module, "TISSUES_FILE", tmp_path / "head.nii.gz")
    save_tissues(np.zeros((4, 4, 4, 3), np.uint8), head.affine)
    with pytest.raises(InputError, match=r"\(4, 4, 4, 3\)"):
        load_head()


@pytest.mark.parametrize("content", [b"", b"no gzip", "half"])
def test_a_damaged_file_is_named(monkeypatch, tmp_path, content):
    file = tmp_path / "head.nii.gz"
    file.write_bytes(
        head_module.TISSUES_FILE.read_bytes()[: 10**6] if content == "half" else content
    )
    monkeypatch.setattr(head_module, "TISSUES_FILE", file)
    with pytest.raises(InputError, match=r"head\.nii\.gz.*install aspects-atlas again"):
        load_head()
