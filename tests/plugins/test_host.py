import textwrap

import pytest

from privbench.errors import BadInput
from privbench.plugins.host import PluginHost

GOOD = """
    import privbench

    class Constant(privbench.Attack):
        '''Zero.'''
        name = "{name}"

        def score(self, view):
            return 0.0 * view.labels

    @privbench.hookimpl
    def register_attacks(register):
        register(Constant)
"""


@pytest.fixture
def write(tmp_path):
    def write(text, file="mine.py", **values):
        path = tmp_path / file
        path.write_text(textwrap.dedent(text).format(**values) if values else textwrap.dedent(text))
        return str(path)

    return write


def test_a_single_file_is_a_plugin(write):
    path = write(GOOD, file="constant.py", name="constant")
    host = PluginHost([path], installed=False)
    entry = host.registry("attack").get("constant", "here")
    assert host.failures == []
    assert entry.distribution.name == path
    assert not entry.distribution.released


def test_a_changed_line_changes_the_identity(write):
    def identity():
        path = write(GOOD, file=f"v{len(seen)}.py", name="constant")
        entry = PluginHost([path], installed=False).registry("attack").get("constant", "here")
        return entry.build({}, "here").identity()["code"]

    seen = []
    seen.append(identity())
    seen.append(identity())
    path = write(GOOD.replace("0.0 *", "1.0 *"), file="v3.py", name="constant")
    changed = PluginHost([path], installed=False).registry("attack").get("constant", "here")
    assert changed.build({}, "here").identity()["code"] not in seen


def failing(host):
    assert len(host.failures) == 1
    return host.failures[0]


@pytest.mark.parametrize(
    ("text", "phase", "words"),
    [
        ("raise RuntimeError('boom')", "import", ["RuntimeError", "boom"]),
        ("import sys; sys.exit(3)", "import", ["SystemExit"]),
        ("def x(:", "import", ["SyntaxError"]),
        (
            "import privbench\n@privbench.hookimpl\ndef register_attack(register): ...",
            "hook",
            ["register_attack", "did you mean 'register_attacks'?"],
        ),
        (
            "import privbench\n@privbench.hookimpl\ndef register_attacks(registar): ...",
            "hook",
            ["register_attacks has no argument 'registar'; did you mean 'register'?"],
        ),
        (
            "def register_attacks(register): ...",
            "hook",
            ["mine.py registers nothing; is @privbench.hookimpl missing above register_attacks?"],
        ),
        ("x = 3", "hook", ["mine.py registers nothing: it has no hook"]),
        (
            "import privbench\nclass A:\n    name = 'a'\n"
            "@privbench.hookimpl\ndef register_attacks(register): register(A)",
            "checks",
            ["A is no attack: subclass privbench.Attack"],
        ),
        (
            "import privbench\nclass A(privbench.Component):\n    name = 'a'\n"
            "@privbench.hookimpl\ndef register_models(register): register(A)",
            "checks",
            ["A is no model: subclass privbench.TorchModel or privbench.EstimatorModel"],
        ),
        (
            "import privbench\nclass A(privbench.Attack):\n    name = 'a'\n    observes = 'logits'\n"
            "    def score(self, view): ...\n"
            "@privbench.hookimpl\ndef register_attacks(register): register(A)",
            "checks",
            ["A: observes = 'logits' is not allowed", "'labels', 'probabilities'"],
        ),
        (
            "import privbench\nclass A(privbench.Attack):\n    name = 'a'\n    power = 2",
            "import",
            ["parameter 'power' has no type: write `power: int = 2`"],
        ),
        (
            "import privbench, pydantic\n"
            "class A(privbench.Attack):\n    name = 'a'\n    power = pydantic.Field(2, gt=0)",
            "import",
            ["parameter 'power' has no type: write `power: float = Field(...)`"],
        ),
        (
            "import privbench\n@privbench.hookimpl\ndef register_attacks(register): register(3)",
            "checks",
            ["3", "class"],
        ),
        (
            "import privbench\n@privbench.hookimpl\n"
            "def register_models(register): register(privbench.Attack)",
            "checks",
            ["Attack", "attack", "takes models only"],
        ),
        (
            "import privbench\nclass A(privbench.Attack):\n    name = 'a'\n"
            "@privbench.hookimpl\ndef register_attacks(register): register(A)",
            "checks",
            ["does not implement score"],
        ),
        (
            "import privbench\nclass A(privbench.Attack):\n    def score(self, view): ...\n"
            "@privbench.hookimpl\ndef register_attacks(register): register(A)",
            "checks",
            ["has no `name`"],
        ),
    ],
)
def test_a_broken_plugin_is_kept_as_a_failure(write, text, phase, words):
    host = PluginHost([write(text)], installed=False)
    failure = failing(host)
    assert failure.phase == phase
    assert failure.plugin.endswith("mine.py")
    assert "\n" not in failure.message
    for word in words:
        assert word in failure.message
    assert "lira" in host.registry("attack").entries


def test_a_hook_that_is_not_marked_beside_one_that_is(write):
    text = GOOD + "\n    def register_models(register): ...\n"
    host = PluginHost([write(text, name="constant")], installed=False)
    assert failing(host).message == "is @privbench.hookimpl missing above register_models?"
    assert "constant" in host.registry("attack").entries


def test_a_taken_name_names_both_distributions(write):
    path = write(GOOD, name="lira")
    host = PluginHost([path], installed=False)
    message = failing(host).message
    assert "'lira'" in message
    assert path in message
    assert "privbench 0.1" in message
    assert host.registry("attack").entries["lira"].distribution.name == "privbench"


def test_one_broken_plugin_does_not_stop_the_next(write):
    broken = write("raise RuntimeError('boom')", file="broken.py")
    good = write(GOOD, file="good.py", name="constant")
    host = PluginHost([broken, good], installed=False)
    assert "constant" in host.registry("attack").entries
    assert failing(host).traceback.count("RuntimeError")


def test_a_module_that_is_not_there():
    spec = "no_such_module_here"
    assert spec in failing(PluginHost([spec], installed=False)).message


def test_a_file_that_is_not_there_is_bad_input():
    with pytest.raises(BadInput, match=r"-p nowhere\.py: there is no such file"):
        PluginHost(["nowhere.py"], installed=False)


def test_an_observer_that_raises_is_recorded_once_and_the_others_go_on(write):
    bad = write(
        """
        import privbench
        @privbench.hookimpl
        def stage_progress(stage, done, total):
            raise ValueError("observer")
        """
    )
    good = write(
        """
        import privbench
        seen = []
        @privbench.hookimpl
        def stage_progress(done):
            seen.append(done)
        """,
        file="good.py",
    )
    host = PluginHost([bad, good], installed=False)
    for done in range(3):
        host.call("stage_progress", stage=None, done=done, total=3)
    assert failing(host).place == "observer in stage_progress"
    assert host.plugins[-1].module.seen == [0, 1, 2]


def test_objects_of_a_module_that_answer_anything_are_no_hooks(tmp_path):
    """Such as flask's current_app, or what a test library imports."""
    path = tmp_path / "odd.py"
    path.write_text(
        "from unittest.mock import call\nimport privbench\n\n"
        "class Proxy:\n    def __getattr__(self, name): raise RuntimeError('outside of a request')\n\n"
        "current = Proxy()\n\n"
        "class Mine(privbench.Attack):\n    name = 'mine'\n    def score(self, view): ...\n\n"
        "@privbench.hookimpl\ndef register_attacks(register):\n    register(Mine)\n"
    )
    host = PluginHost([str(path)], installed=False)
    assert host.failures == []
    assert "mine" in host.registry("attack").entries
