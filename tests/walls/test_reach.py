"""What an attack can reach from what it is handed, by ordinary attribute access."""

import types

import numpy as np
import pytest

from privbench.components import Bound
from privbench.executors.workers.forking import runs_in_process
from privbench.membership import Setting
from privbench.stages import Context, Stage

DEPTH = 12
SIMPLE = (str, bytes, int, float, bool, complex, type(None), np.ndarray, np.generic, type, range)

pytestmark = pytest.mark.skipif(
    not runs_in_process(), reason="looks at what a plugin has seen, in its module"
)

SEEN = """
import numpy as np
import privbench

seen = []

class One(privbench.Attack):
    name = "one"
    {declares}
    def score(self, view):
        seen.append(view)
        return view.target.log_prob_of(view.labels)

class All(privbench.BatchedAttack):
    name = "all"
    {declares}
    def score_all(self, views):
        seen.append(views)
        return views.targets.log_prob_of(views.labels)

class Release(privbench.SyntheticAttack):
    name = "release"
    def score(self, view):
        seen.append(view)
        return view.rng.random(len(view.labels))

class Releases(privbench.BatchedSyntheticAttack):
    name = "releases"
    def score_all(self, views):
        seen.append(views)
        return np.stack([rng.random(len(views.labels)) for rng in views.rngs])

@privbench.hookimpl
def register_attacks(register):
    for cls in (One, All, Release, Releases):
        register(cls)
"""


def parts(value):
    """What attribute access leads to: fields, slots, closures, bound objects, items, bases."""
    if isinstance(value, np.ndarray):
        return [value.base]
    if isinstance(value, dict):
        return [*value.keys(), *value.values()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return list(value)
    found = list(vars(value).values()) if hasattr(value, "__dict__") else []
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for slot in (slots,) if isinstance(slots, str) else slots:
            found.append(getattr(value, slot, None))
    if isinstance(value, types.FunctionType):
        found += [cell.cell_contents for cell in value.__closure__ or ()]
        found += [value.__defaults__, value.__kwdefaults__]
    if isinstance(value, types.MethodType):
        found += [value.__self__, value.__func__]
    return found


def reached(start):
    """Every object that can be reached, by breadth-first search."""
    seen, frontier = {}, [start]
    for _ in range(DEPTH):
        following = []
        for value in frontier:
            if id(value) in seen or isinstance(value, (types.ModuleType, type)):
                continue
            seen[id(value)] = value
            if not isinstance(value, SIMPLE) or isinstance(value, np.ndarray):
                following += parts(value)
        frontier = following
    return list(seen.values())


@pytest.fixture
def handed(run, tmp_path):
    """Run attacks that keep what they are handed."""

    def handed(*overrides, declares=""):
        path = tmp_path / "seen.py"
        path.write_text(SEEN.format(declares=declares))
        from privbench.plugins import host as hosts

        kept = []
        original = hosts.import_file

        def importing(file, kind):
            module = original(file, kind)
            kept.append(module)
            return module

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(hosts, "import_file", importing)
            rows = run(*overrides, plugin=path)
        assert {row["status"] for row in rows} == {"ok"}
        return kept[0].seen

    return handed


def check(views):
    assert views
    for view in views:
        everything = reached(view)
        forbidden = [v for v in everything if isinstance(v, (Setting, Stage, Context, Bound))]
        assert not forbidden
        assert not [v for v in everything if type(v).__module__.startswith("privbench.stages.base")]
        membership = [
            v
            for v in everything
            if isinstance(v, np.ndarray) and v.dtype == bool and v.shape[:1] == (4,)
        ]
        if hasattr(view, "rng"):  # the view of one target: nothing has a row for each model
            assert not membership
        else:
            assert all((v == view.shadow_member).all() for v in membership)
        populations = [v for v in everything if type(v).__name__ in ("Population", "QueriedModel")]
        assert not populations


@pytest.mark.parametrize("declares", ["queries = True", "observes = 'parameters'", ""])
def test_nothing_leads_from_views_to_membership_or_models(handed, declares):
    views = handed('attacks=["one", "all"]', 'defenses=["noisy"]', declares=declares)
    check(views)
    if declares:
        assert all(getattr(view, "target_model", 1) is not None for view in views)


def test_nothing_leads_from_released_data_to_membership(handed):
    check(handed('attacks=["release", "releases"]', 'defenses=["copula"]'))


def test_the_walk_finds_what_is_there():
    class Slotted:
        __slots__ = ("kept",)

    membership = np.zeros((4, 2), dtype=bool)
    slotted = Slotted()
    slotted.kept = membership
    for holder in (slotted, lambda: membership, {"a": [membership]}, membership[:1].view()):
        assert any(value is membership for value in reached(holder))
