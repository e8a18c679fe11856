"""The command ``validate-scores``: what it says, and that help is quick."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner
from made_scores import made_probabilities, made_truth, write_scores, write_truth

from atlas_builder.commands.validate_scores import validate_scores_command
from atlas_builder.core.aspects import TRUTH_RULES


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    names, shares = made_truth(24)
    truth = write_truth(folder / "truth.tsv", names, shares)
    write_scores(folder / "run", names[12:], made_probabilities(shares, 2, 4)[12:])
    return folder, truth


def test_what_it_says(inputs, tmp_path):
    folder, truth = inputs
    arguments = ["--scores", f"mine={folder / 'run'}", "--truth", str(truth), "--out"]
    done = CliRunner().invoke(validate_scores_command, [*arguments, str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "mine: 12 participants, AUC of regions 0.9" in done.output
    assert "Left out sub-000: not in the scores" in done.output
    assert "Left out 2 more: see the report" in done.output
    assert str(tmp_path / "out" / "report.html") in done.output


def test_its_rules_are_the_named_ones():
    (rule,) = (one for one in validate_scores_command.params if one.name == "rule")
    assert list(rule.type.choices) == list(TRUTH_RULES)


def test_help_loads_nothing_slow():
    program = (
        "import sys; from atlas_builder.commands import validate_scores as v;"
        "v.validate_scores_command.main(['--help'], standalone_mode=False);"
        "print([m for m in ('numpy', 'scipy', 'matplotlib', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "--truth" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
