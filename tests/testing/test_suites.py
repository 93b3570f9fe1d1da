"""The test classes, ``check``, and the pytest plugin, as a package with a plugin uses them."""

import subprocess
import sys
from pathlib import Path

import pytest

import privbench
from privbench import testing
from privbench.testing.registry import all_checks, checks_for
from privbench.testing.suites import SUITES

MARGIN = Path(__file__).parent.parent.parent / "docs" / "examples" / "margin.py"
TESTS = """
import privbench.testing
from planted import Inverted, Sound


class TestSound(privbench.testing.AttackSuite):
    component = Sound


class TestInverted(privbench.testing.AttackSuite):
    component = Inverted


class TestKnown(privbench.testing.AttackSuite):
    component = Inverted
    expected_failures = {"larger_means_member": "it is a test"}


class TestNoLonger(privbench.testing.AttackSuite):
    component = Sound
    expected_failures = {"runs": "it did not"}

    def test_is_repeatable(self):
        '''A test of the author's own.'''
"""
PLANTED = '''
import privbench


class Sound(privbench.Attack):
    """Log-probability of the label."""

    name = "sound"

    def score(self, view):
        return view.target.log_prob_of(view.labels)


class Inverted(Sound):
    """Minus that."""

    name = "inverted"

    def score(self, view):
        return -super().score(view)


@privbench.hookimpl
def register_attacks(register):
    register(Sound)
    register(Inverted)
'''


@pytest.fixture
def package(tmp_path):
    (tmp_path / "planted.py").write_text(PLANTED)
    (tmp_path / "test_planted.py").write_text(TESTS)
    return tmp_path


def pytest_in(folder, *arguments):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_package_runs_the_suites(package):
    arguments = () if _is_installed() else ("-p", "privbench.testing.pytest_plugin")
    result = pytest_in(package, *arguments)
    lines = result.stdout.splitlines()
    n = len(checks_for("attack", "models"))
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(
        "attack inverted: larger_means_member failed: scores are inverted" in x for x in lines
    )
    assert any(
        "runs failed: passes, though it is said to fail (it did not); remove" in x for x in lines
    )
    assert "Traceback" not in result.stdout
    assert "privbench conformance" in result.stdout
    counts = lines[next(i for i, line in enumerate(lines) if "privbench conformance" in line) + 1 :]
    assert counts[0].startswith("attack inverted: ")
    assert "1 failed as expected" in counts[0]
    assert counts[1].startswith("attack sound: ")
    assert f"2 failed, {4 * n - 15} passed, 12 skipped, 1 xfailed" in lines[-1]


def _is_installed():
    from importlib.metadata import entry_points

    return bool(entry_points(group="pytest11", name="privbench"))


@pytest.mark.slow
def test_check_runs_the_same_checks_without_pytest(package):
    code = (
        "import sys; sys.modules['pytest'] = None\n"
        "from privbench.testing import check\n"
        "for one in check('planted.py', expected_failures={'sound': {'runs': 'why'}}): print(one)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=package, capture_output=True, text=True, check=True
    )
    lines = result.stdout.splitlines()
    assert lines[0] == "plugin planted.py: loads passed"
    for name in ("sound", "inverted"):
        found = [line.split()[2] for line in lines if line.startswith(f"attack {name}: ")]
        assert found == [check.name for check in checks_for("attack", "models")]
    assert any(x.startswith("attack inverted: larger_means_member failed: ") for x in lines)
    assert any(x.startswith("attack sound: runs failed: passes, though") for x in lines)


def test_a_plugin_that_cannot_be_loaded_is_a_finding(tmp_path):
    path = tmp_path / "broken.py"
    path.write_text("import nothing_of_the_kind")
    (finding,) = testing.check(path)
    assert (finding.check, finding.passed) == ("loads", False)
    assert "nothing_of_the_kind" in finding.reason
    with pytest.raises(privbench.BadInput, match="there is no such file"):
        testing.check(tmp_path / "missing.py")


def test_a_module_is_checked_as_its_file_is():
    from privbench.components.scripts import import_file

    findings = testing.check(import_file(MARGIN, "test"))
    assert [one for one in findings if not one.passed] == []
    assert {one.component for one in findings[1:]} == {"attack margin"}


def test_a_suite_refuses_what_it_cannot_test():
    class Attack(privbench.Attack):
        """Scores."""

        name = "scores"

        def score(self, view):
            return view.rng.random(len(view.labels))

    with pytest.raises(TypeError, match=r"TestNone: write `component = \.\.\.`"):
        type("TestNone", (testing.AttackSuite,), {})
    with pytest.raises(TypeError, match=r"is no model \(its kind: attack\)"):
        type("TestOther", (testing.ModelSuite,), {"component": Attack})
    body = {"component": Attack, "expected_failures": {"run": "why"}}
    with pytest.raises(TypeError, match="there is no 'run'; did you mean 'runs'"):
        type("TestName", (testing.AttackSuite,), body)


def test_a_parameter_without_a_default_is_asked_for():
    from privbench.mechanisms.randomized_response import RandomizedResponse
    from privbench.testing.running import run_checks
    from privbench.testing.subject import Subject

    found = {one.check: one for one in run_checks(Subject(RandomizedResponse))}
    assert found["runs"].outcome == "skipped"
    assert found["runs"].reason == "epsilon has no default: give a value in `params`"


def outcomes_of(cls):
    from privbench.testing.running import run_checks
    from privbench.testing.subject import Subject

    return {one.check: one for one in run_checks(Subject(cls))}


def test_an_attack_on_generators_does_not_apply_to_releases_without_them():
    class White(privbench.SyntheticAttack):
        """Reads the generator."""

        name = "white"
        observes = "generator"

        def score(self, view):
            return view.generator.sample(len(view.labels), view.rng).y.astype(float)

    runs = outcomes_of(White)["runs"]
    assert runs.outcome == "skipped"
    assert runs.reason == "it needs the generators, and there is released data only"


def test_estimators_are_fitted_as_the_harness_fits_them():
    from sklearn.linear_model import LogisticRegression

    class OfColumns(privbench.EstimatorModel):
        """Fits by what the features mean."""

        name = "of-columns"

        def fit(self, x, y, n_classes, rng):
            raise AssertionError("the harness calls fit_data")

        def fit_data(self, data, rng):
            return LogisticRegression().fit(data.x.reshape(len(data), -1), data.y)

    assert outcomes_of(OfColumns)["runs"].outcome == "passed"


def test_there_are_a_suite_and_checks_for_each_kind():
    from privbench.components import KINDS

    assert set(SUITES) == set(KINDS)
    for check in all_checks():
        assert check.rule.endswith("."), check.name
        assert check.errs <= 1e-4


def test_the_plugin_imports_nothing_that_pytest_would_not(tmp_path):
    code = (
        "import sys, pytest; before = set(sys.modules); import privbench.testing.pytest_plugin\n"
        "print(sorted(n.partition('.')[0] for n in set(sys.modules) - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert set(eval(result.stdout)) <= {"privbench", "__future__"}
