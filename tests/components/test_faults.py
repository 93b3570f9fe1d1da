"""Whose fault an error is, and how it is told."""

import pytest

from privbench.components import Bound, Distribution, Entry
from privbench.components.faults import calling, origin, trace_of
from privbench.components.messages import error_text, printable
from privbench.errors import BadInput, ComponentError, Incompatible
from privbench.plugins.host import PluginHost

PLUGIN = """
import privbench

class {name}(privbench.Attack):
    name = "{name}"

    def score(self, view):
        return view()

@privbench.hookimpl
def register_attacks(register):
    register({name})
"""


@pytest.fixture
def bounds(tmp_path):
    """Two components of plugins, and a built-in one."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(PLUGIN.format(name=name))
    host = PluginHost([str(tmp_path / "one.py"), str(tmp_path / "two.py")], installed=False)
    registry = host.registry("attack")
    return [registry.get(name, "here").build({}, "here") for name in ("one", "two", "loss")]


def raising(error):
    def call():
        raise error

    return call


def test_the_component_that_raised_is_named_with_its_line(bounds):
    one, two, _ = bounds
    with pytest.raises(ComponentError) as caught, calling(one, two):
        two.component.score(raising(KeyError("x")))
    assert str(caught.value) == "two: KeyError: 'x' (two.py:8)"
    with pytest.raises(ComponentError) as caught, calling(one, two):
        one.component.score(lambda: two.component.score(raising(KeyError("x"))))
    assert str(caught.value).startswith("two: ")  # the innermost line


def test_no_line_of_privbench_is_named(bounds):
    loss = bounds[2]
    with pytest.raises(ComponentError) as caught, calling(loss):
        loss.component.score(None)
    assert str(caught.value) == "loss: AttributeError: 'NoneType' object has no attribute 'target'"
    assert origin(caught.value, loss) == (loss, "")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Incompatible("no")])
def test_what_passes_as_it_is(bounds, error):
    with pytest.raises(type(error)), calling(bounds[0]):
        bounds[0].component.score(raising(error))


@pytest.mark.parametrize(
    "error", [BaseException("x"), SystemExit(1), GeneratorExit(), MemoryError()]
)
def test_whatever_else_is_raised_is_a_component_error(bounds, error):
    with pytest.raises(ComponentError) as caught, calling(bounds[0]):
        bounds[0].component.score(raising(error))
    assert caught.value.__cause__ is error


def test_a_component_error_is_not_wrapped_again(bounds):
    one, two, _ = bounds
    with pytest.raises(ComponentError) as caught, calling(one), calling(two):
        two.component.score(raising(ValueError("x")))
    assert str(caught.value) == "two: ValueError: x (two.py:8)"


def test_only_third_party_code_is_contained(bounds, capsys):
    for bound in (bounds[0], bounds[2]):
        with calling(bound):
            print(bound.name)
    assert tuple(capsys.readouterr()) == ("loss\n", "one\n")


class Silent(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("error", "line", "text"),
    [
        (KeyError("x"), "", "KeyError: 'x'"),
        (KeyError("x"), "a.py:1", "KeyError: 'x' (a.py:1)"),
        (AssertionError(), "a.py:1", "AssertionError (a.py:1)"),
        (BadInput("write this"), "a.py:1", "write this"),
        (ValueError("caf\udce9"), "", r"ValueError: caf\udce9"),
        (BadInput("caf\udce9"), "", r"caf\udce9"),
        (Silent(), "", "Silent: its message cannot be read: ValueError"),
        (
            ValueError("output array is read-only"),
            "a.py:1",
            "ValueError: output array is read-only (a.py:1); arrays that are handed to a component are"
            " read-only: change a copy",
        ),
        (
            UserWarning("The given NumPy array is not writable, and PyTorch does"),
            "a.py:1",
            "a tensor cannot share the memory of a read-only array: write torch.tensor(x), which"
            " copies it (a.py:1)",
        ),
    ],
)
def test_the_text_of_an_error(error, line, text):
    assert error_text(error, line) == text


def test_the_traceback_is_that_of_what_the_component_raised(bounds):
    with pytest.raises(ComponentError) as caught, calling(bounds[0]):
        bounds[0].component.score(raising(ValueError("caf\udce9")))
    trace = trace_of(caught.value)
    assert trace.startswith("Traceback")
    assert 'one.py", line 8, in score' in trace
    assert r"ValueError: caf\udce9" in trace
    trace.encode()


def test_errors_that_are_written_for_the_user_have_no_traceback(bounds):
    assert trace_of(BadInput("x")) == ""
    with pytest.raises(ComponentError) as caught, calling(bounds[0]):
        raise BadInput("x")
    assert trace_of(caught.value) == ""


def test_printable_text_is_left_alone():
    assert printable("ε ≤ 1 é 😀") == "ε ≤ 1 é 😀"
    assert printable("a\ud800b") == r"a\ud800b"


def test_code_whose_module_is_gone_is_named_without_a_line():
    from privbench.attacks.base import Attack

    class Typed(Attack):
        name = "typed"

        def score(self, view):
            raise ValueError

    Typed.__module__ = "no_such_module"
    bound = Bound(Entry(Typed, Distribution("x")), Typed())
    with pytest.raises(ComponentError, match=r"typed: ValueError$"), calling(bound):
        bound.component.score(None)
