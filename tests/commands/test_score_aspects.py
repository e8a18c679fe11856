"""The command ``score-aspects``: what it needs, prints and leaves behind."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from itertools import pairwise, product

import numpy as np
import pytest
from pictures import coloured, picture_of, reddish

from aspects_scorer.dwi.mni_brain import mni_brain
from aspects_scorer.dwi.scored_lesion import standard_atlas
from atlas_builder.commands.score_aspects import score_aspects_command
from atlas_builder.core.anatomy import Region, map_value
from atlas_builder.core.errors import InputError
from atlas_builder.io.nifti.images import write_volume
from atlas_builder.reporting.base.colours import REGION_COLOURS

FILES = {"aspects.json", "core.png", "overlay.png", "regions.tsv", "report.html"}


def run(*arguments: object) -> None:
    score_aspects_command.main([str(a) for a in arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    """All of the right C and two fifths of the right M5, of a patient whose name is in the path."""
    atlas = standard_atlas()
    data = np.isin(atlas.labels, [map_value(Region.C, "right")])
    voxels = np.argwhere(atlas.labels == map_value(Region.M5, "right"))
    data[tuple(voxels[: round(0.4 * len(voxels))].T)] = True
    path = tmp_path_factory.mktemp("MUSTERMANN") / "MUSTERMANN.nii.gz"
    write_volume(path, data.astype(np.uint8), atlas.affine)
    return path


@pytest.fixture(scope="module")
def out(mask, tmp_path_factory):
    out = tmp_path_factory.mktemp("score") / "out"
    run("--lesion", mask, "--out", out)
    return out


def test_help_loads_nothing_slow():
    program = (
        "import sys; from atlas_builder.commands.score_aspects import score_aspects_command as c;"
        "c.main(['--help'], standalone_mode=False);"
        "print([m for m in ('ants', 'numpy', 'torch', 'nibabel') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--least-ml" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_mask_in_mni_space_needs_neither_ants_nor_torch_nor_matplotlib(mask, tmp_path):
    slow = ("ants", "torch", "monai", "matplotlib", "pandas", "sklearn")
    program = (
        "import sys; from atlas_builder.commands.score_aspects import score_aspects_command as c;"
        f"c.main(['--lesion', {str(mask)!r}, '--out', {str(tmp_path / 'x')!r}],"
        "standalone_mode=False);"
        f"print([m for m in {slow} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert (
        done.stdout.splitlines()[0] == "ASPECTS 8 (left 10, right 8), core 36.7 mL (MNI152 space)"
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_score_is_written(out):
    assert {path.name for path in out.iterdir()} == FILES
    result = json.loads((out / "aspects.json").read_text())
    assert (result["aspects"], result["aspects_left"], result["aspects_right"]) == (8, 10, 8)
    assert result["core_volume_space"] == "MNI152"
    assert result["core_volume_ml"] == pytest.approx(5.0 + 0.4 * 79.4, abs=0.2)
    assert result["mca_share"] == pytest.approx(1)
    assert result["flags"] == []
    assert result["regions"]["right"]["M5"]["fraction"] == pytest.approx(0.4, abs=1e-4)
    assert result["parameters"] == {
        "rule": "segmented",
        "least_ml": 0.5,
        "deep_share": 0.0,
        "cortical_share": 0.333333,
    }
    assert len(result["atlas"]["sha256"]) == 64


def test_the_table_holds_twenty_regions(out):
    with (out / "regions.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["region"] for row in rows] == 2 * [region.name for region in Region]
    lost = [(row["side"], row["region"]) for row in rows if row["loses_point"] == "yes"]
    assert lost == [("right", "C"), ("right", "M5")]


def test_the_slices_show_the_lesion_on_the_patients_right_and_regions_on_both_sides(out):
    picture = picture_of(out / "overlay.png")
    height, width, gap = 480, 400, 6  # pixels of a slice, at 2.5 a mm
    lesion, named = [], []
    for row, column in product(range(2), range(3)):
        first = row * (height + gap), column * (width + gap)
        panel = picture[first[0] : first[0] + height, first[1] : first[1] + width]
        right, left = panel[:, : width // 2], panel[:, width // 2 :]
        # What is red on both sides is outlines.
        lesion.append(int(reddish(right).sum()) - int(reddish(left).sum()))
        for side in (right, left):
            lines = [coloured(side, REGION_COLOURS[region], 0.1).sum() for region in Region]
            named.append(sum(count > 20 for count in lines))
    assert lesion[1] > 500  # the caudate at the usual BGL
    assert min(lesion[4:]) > 2000  # two fifths of M5
    assert min(named) >= 3


def test_the_core_is_seen_from_four_sides(out):
    picture = picture_of(out / "core.png")
    # As wide as the brain's box is long or wide, mm.
    edges = np.cumsum([0, 202, 164, 202, 164]) / 732 * picture.shape[1]
    views = [picture[:, round(a) : round(b)] for a, b in pairwise(edges)]
    for view in views:
        assert 0.3 < (view.max(axis=2) > 0.1).mean() < 0.9  # the brain on black
    from_right, front, from_left, above = (reddish(view) for view in views)
    across = [np.nonzero(seen)[1].mean() / seen.shape[1] for seen in (front, above)]
    assert across[0] < 0.45  # the patient's right is at the left from the front,
    assert across[1] > 0.55  # and at the right from above
    # Seen through the brain from the other side, the core is dimmer and mirrored.
    brightness = [
        view[..., 0][seen].mean() for view, seen in ((views[0], from_right), (views[2], from_left))
    ]
    assert brightness[0] > brightness[1]
    back_to_front = [np.nonzero(seen)[1].mean() / seen.shape[1] for seen in (from_right, from_left)]
    assert sum(back_to_front) == pytest.approx(1, abs=0.1)
    assert back_to_front[0] > back_to_front[1]


def test_no_file_names_the_patient(out, mask):
    for path in out.iterdir():
        content = path.read_bytes()
        assert b"MUSTERMANN" not in content
        assert str(mask.parent).encode() not in content


def test_the_report_needs_no_other_file(out):
    page = (out / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 2
    assert page.count("<script>") == 1
    assert "://" not in page


def test_options_change_the_rule(mask, tmp_path, capsys):
    run("--lesion", mask, "--out", tmp_path / "a", "--least-ml", 6, "--cortical-share", 0.5)
    assert capsys.readouterr().out.startswith("ASPECTS 10 (left 10, right 10)")


def test_an_earlier_score_is_replaced_and_other_files_are_not(mask, out, tmp_path):
    run("--lesion", mask, "--out", out, "--least-ml", 0)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds other files than a score \(notes\.txt\)"):
        run("--lesion", mask, "--out", tmp_path)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_an_empty_mask_scores_ten_and_says_so(tmp_path, capsys):
    atlas = standard_atlas()
    write_volume(tmp_path / "m.nii", np.zeros((9, 9, 9), np.uint8), atlas.affine)
    run("--lesion", tmp_path / "m.nii", "--out", tmp_path / "out")
    said = capsys.readouterr()
    assert said.out.startswith("ASPECTS 10 (left 10, right 10), core 0.0 mL")
    assert "Check empty-lesion" in said.err
    assert json.loads((tmp_path / "out" / "aspects.json").read_text())["mca_share"] is None


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "--lesion"),
        (("--lesion", "gone.nii"), "gone.nii: no such file"),
        (("--lesion", "gone.nii", "--adc", "adc.nii"), "adc.nii: --adc"),
    ],
)
def test_bad_usage_ends_with_status_2_and_one_line(
    tmp_path, capsys, arguments, reason, monkeypatch
):
    from atlas_builder import cli  # noqa: PLC0415 - knows every command

    call = ["score-aspects", *arguments, "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", call)
    with pytest.raises(SystemExit) as left:
        cli.score_aspects_main()
    assert left.value.code == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_mask_off_the_images_grid_is_refused(mask, tmp_path):
    image = np.ones((20, 20, 10), np.float32)
    write_volume(tmp_path / "dwi.nii", image, np.diag([3.0, 3, 5, 1]))
    with pytest.raises(InputError, match=r"MUSTERMANN\.nii\.gz: not on the diffusion image's grid"):
        run("--lesion", mask, "--dwi", tmp_path / "dwi.nii", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_image_without_a_brain_is_refused(tmp_path):
    affine = np.diag([3.0, 3, 5, 1])
    write_volume(tmp_path / "dwi.nii", np.zeros((20, 20, 10), np.float32), affine)
    write_volume(tmp_path / "m.nii", np.zeros((20, 20, 10), np.uint8), affine)
    with pytest.raises(InputError, match=r"dwi\.nii: no brain found"):
        run("--lesion", tmp_path / "m.nii", "--dwi", tmp_path / "dwi.nii", "--out", tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.fixture(scope="module")
def dwi(tmp_path_factory):
    """The average brain as on a diffusion image, without a lesion."""
    brain = mni_brain()
    path = tmp_path_factory.mktemp("dwi") / "b1000.nii.gz"
    bright = 400 * brain.mixed(0.44, 0.40, 0.14)[::3, ::3, ::4]
    write_volume(path, bright, brain.affine @ np.diag([3.0, 3, 4, 1]))
    return path


def test_the_infarct_is_found_without_torch(dwi, tmp_path):
    """What trains networks is an extra; what a clinician runs does without."""
    code = (
        "import sys\n"
        "sys.modules.update(dict.fromkeys(('torch', 'torchvision', 'monai', 'onnx')))\n"
        "from atlas_builder.cli import score_aspects_main as main\n"
        "main()\n"
    )
    arguments = ["--dwi", str(dwi), "--out", str(tmp_path / "o")]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "o" / "lesion.nii.gz").exists()


@pytest.mark.slow
def test_b_0_is_refused_where_the_infarct_is_to_be_found(tmp_path):
    brain = mni_brain()
    bright = 400 * brain.mixed(1.0, 0.82, 2.8)[::3, ::3, ::4]
    write_volume(tmp_path / "b.nii", bright, brain.affine @ np.diag([3.0, 3, 4, 1]))
    with pytest.raises(InputError, match=r"b\.nii: looks like b 0, T2 or an ADC map") as refused:
        run("--dwi", tmp_path / "b.nii", "--out", tmp_path / "o")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "o").exists()


@pytest.mark.slow
def test_a_series_is_scored_by_its_volume_of_b_1000(tmp_path, capsys):
    brain = mni_brain()
    tissues = ((1.0, 0.82, 2.8), (0.44, 0.40, 0.14))
    volumes = [400 * brain.mixed(*signal)[::3, ::3, ::4] for signal in tissues]
    write_volume(
        tmp_path / "dwi.nii", np.stack(volumes, axis=-1), brain.affine @ np.diag([3.0, 3, 4, 1])
    )
    with pytest.raises(InputError, match=r"dwi\.nii: holds 2 volumes, and no dwi\.bval"):
        run("--dwi", tmp_path / "dwi.nii", "--out", tmp_path / "o")
    (tmp_path / "dwi.bval").write_text("0 1000\n")
    run("--dwi", tmp_path / "dwi.nii", "--out", tmp_path / "o")
    assert "Check volumes-chosen: the diffusion file holds 2 volumes" in capsys.readouterr().err


def test_an_adc_map_off_the_images_grid_is_refused(dwi, mask, tmp_path):
    with pytest.raises(InputError, match="not on the diffusion image's grid"):
        run("--dwi", dwi, "--adc", mask, "--out", tmp_path / "o")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--dwi", "{}"), "a folder, not a NIfTI file; .* dcm2niix"),
        (("--lesion", "{}"), "a folder, not a NIfTI file"),
        (("--dwi", "{dwi}", "--adc", "{}"), "a folder, not a NIfTI file"),
    ],
)
def test_a_folder_is_refused_with_the_way_to_convert_it(dwi, tmp_path, arguments, reason):
    with pytest.raises(InputError, match=reason):
        run(*(a.format(tmp_path, dwi=dwi) for a in arguments), "--out", tmp_path / "o")


@pytest.mark.parametrize("on_image", [False, True])
def test_an_inverted_mask_is_refused(tmp_path, on_image):
    brain = mni_brain()
    path, image = tmp_path / "m.nii", tmp_path / "dwi.nii"
    write_volume(path, (~brain.mask).astype(np.uint8), brain.affine)
    write_volume(image, brain.mixed(0.44, 0.40, 0.14), brain.affine)
    more = ("--dwi", image) if on_image else ()
    with pytest.raises(InputError, match=r"m\.nii: a lesion of .* inverted"):
        run("--lesion", path, *more, "--out", tmp_path / "o")
    assert not (tmp_path / "o").exists()


def with_a_trace_of_the_insula(tmp_path):
    """Return a mask that holds the right caudate and 20 voxels of the insula."""
    atlas = standard_atlas()
    data = (atlas.labels == map_value(Region.C, "right")).astype(np.uint8)
    insula = np.argwhere(atlas.labels == map_value(Region.I, "right"))
    data[tuple(insula[:20].T)] = 1
    write_volume(tmp_path / "m.nii", data, atlas.affine)
    return tmp_path / "m.nii"


def test_a_trace_of_lesion_takes_no_point_by_default_and_both_scores_are_shown(tmp_path, capsys):
    run("--lesion", with_a_trace_of_the_insula(tmp_path), "--out", tmp_path / "o")
    said = capsys.readouterr()
    assert said.out.startswith("ASPECTS 9 (left 10, right 9)")
    assert "Check rule-decides: " in said.err
    assert "ASPECTS is 8" in said.err
    assert "right I hold 0.02 mL" in said.err
    result = json.loads((tmp_path / "o" / "aspects.json").read_text())
    assert (result["aspects"], result["aspects_any_deep_lesion"]) == (9, 8)
    assert result["rule"] == "segmented"
    assert not result["regions"]["right"]["I"]["loses_point"]
    page = (tmp_path / "o" / "report.html").read_text()
    assert "any lesion in C, L, IC or I counts, ASPECTS is <b>8</b>" in page


@pytest.mark.parametrize(("rule", "aspects"), [("barber", 8), ("ctp", 9), ("overlap", 8)])
def test_each_rule_scores_by_its_own_extent(rule, aspects, tmp_path, capsys):
    mask = with_a_trace_of_the_insula(tmp_path)
    run("--lesion", mask, "--out", tmp_path / "o", "--rule", rule)
    assert capsys.readouterr().out.startswith(f"ASPECTS {aspects} ")
    assert json.loads((tmp_path / "o" / "aspects.json").read_text())["rule"] == rule


def test_points_that_hang_on_little_are_marked(tmp_path, capsys):
    mask = with_a_trace_of_the_insula(tmp_path)
    run("--lesion", mask, "--out", tmp_path / "o", "--rule", "barber")
    assert "Check points-hang-on-little: " in capsys.readouterr().err
    result = json.loads((tmp_path / "o" / "aspects.json").read_text())
    assert result["aspects"] == 8
    right = result["regions"]["right"]
    assert [name for name in right if right[name]["hangs_on_little"]] == ["I"]
    page = (tmp_path / "o" / "report.html").read_text()
    assert page.count("−1 ?") == 1


def test_the_same_mask_gives_the_same_bytes(mask, tmp_path):
    for name in "ab":
        run("--lesion", mask, "--out", tmp_path / name)
    for name in FILES - {"aspects.json", "report.html"}:  # which say how long it took
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
