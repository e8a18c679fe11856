import hashlib
from pathlib import Path

import pytest

from atlas_builder.runtime.files import replacing, replacing_folder, sha256_of


def test_replacing_gives_the_final_name_only_to_a_complete_file(tmp_path: Path) -> None:
    final = tmp_path / "BGL_image.nii.gz"
    with replacing(final) as partial:
        assert partial.parent == tmp_path
        assert partial.name.endswith(".nii.gz")
        partial.write_bytes(b"half")
        assert not final.exists()
        partial.write_bytes(b"whole")
    assert final.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [final]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_replacing_keeps_the_old_file_when_writing_fails(
    tmp_path: Path, error: type[BaseException]
) -> None:
    final = tmp_path / "atlas.json"
    final.write_text("old")
    with pytest.raises(error), replacing(final) as partial:  # noqa: PT012 - fails half-way
        partial.write_text("ne")
        raise error
    assert final.read_text() == "old"
    assert list(tmp_path.iterdir()) == [final]


def test_replacing_leaves_access_to_the_umask(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.write_text("")
    with replacing(tmp_path / "replaced") as partial:
        partial.write_text("")
    assert (tmp_path / "replaced").stat().st_mode == ordinary.stat().st_mode


def test_sha256_of_a_file_larger_than_a_block(tmp_path: Path) -> None:
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert sha256_of(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_a_folder_behind_a_link_is_replaced_and_the_link_stays(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    (real / "earlier").write_text("x")
    link.symlink_to(real)
    with replacing_folder(link) as folder:
        (folder / "later").write_text("y")
    assert link.is_symlink()
    assert [path.name for path in real.iterdir()] == ["later"]
    assert {path.name for path in tmp_path.iterdir()} == {"real", "link"}


def test_an_interrupted_replacement_keeps_the_earlier_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "map"
    target.mkdir()
    (target / "earlier").write_text("x")
    rename = Path.rename

    def interrupted(path: Path, to: Path) -> Path:
        if ".new." in path.name:
            raise KeyboardInterrupt
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt), replacing_folder(target) as folder:
        (folder / "later").write_text("y")
    assert [path.name for path in target.iterdir()] == ["earlier"]
    assert list(tmp_path.iterdir()) == [target]
