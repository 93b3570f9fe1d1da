"""Each hook, command, option, component, parameter and public name is documented and tested.

*Documented* means: in the generated reference, with a text of its own. *Tested* means no more than that
a test or an example names it; whether the test is a good one is for people to judge.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click
import pytest
from website import api, hook_pages

import privbench
from privbench import hookspecs
from privbench.cli import build_cli
from privbench.components import KINDS, Entry, describe
from privbench.plugins.host import PluginHost

from .mentions import ROOT, calls, naming, texts

HOST = PluginHost(installed=False)
HOOKS = hook_pages.hooks()
ENTRIES = [entry for kind in KINDS for entry in HOST.registry(kind)]
PARAMETERS = [(entry, name) for entry in ENTRIES for name in entry.cls.model_fields]


def commands(group: click.Group, above: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its words, groups as well."""
    for name, command in group.commands.items():
        words = f"{above} {name}".strip()
        yield words, command
        if isinstance(command, click.Group):
            yield from commands(command, words)


COMMANDS = dict(commands(build_cli(HOST)))
OPTIONS = [
    (words, option)
    for words, command in COMMANDS.items()
    for option in command.params
    if isinstance(option, click.Option) and not option.hidden
]


def sections(page: str, mark: str) -> dict[str, str]:
    """The sections of a page of docs/ by their headings."""
    text = (ROOT / "docs" / page).read_text()
    parts = re.split(rf"^{mark} (.+)$", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


CLI = sections("cli.md", "##")
KIND_SECTIONS = sections("components.md", "##")


def section(entry: Entry) -> str:
    parts = re.split(r"^### `(.+)`$", KIND_SECTIONS[f"{entry.kind.capitalize()}s"], flags=re.M)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))[entry.name]


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_has_a_page_with_its_signature_and_is_implemented_in_a_test_or_example(hook):
    page = hook_pages.page(hook)
    signature = inspect.signature(getattr(hookspecs, hook))
    defined = inspect.getsource(getattr(hookspecs, hook)).partition("\n")[2].partition("\n")[0]
    assert f"```python\n{defined} ...\n```" in page  # as it stands in the source
    assert inspect.getdoc(getattr(hookspecs, hook)) in page
    assert all(f"| `{argument}` |" in page for argument in signature.parameters)
    assert any(re.search(rf"hookimpl\n\s*def {hook}\(", text) for text in texts().values())


def test_arguments_of_no_hook_are_not_explained():
    named = {
        name for hook in HOOKS for name in inspect.signature(getattr(hookspecs, hook)).parameters
    }
    assert hook_pages.ARGUMENTS.keys() == named


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_is_documented_and_called(words):
    assert COMMANDS[words].help
    assert f"Usage: privbench {words} " in CLI[f"privbench {words}"]
    assert calls(words)


@pytest.mark.parametrize(("words", "option"), OPTIONS, ids=lambda part: getattr(part, "name", part))
def test_an_option_is_documented_and_given(words, option):
    assert option.help
    assert all(name in CLI[f"privbench {words}"] for name in option.opts)
    assert naming(*option.opts)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.kind} {entry.name}")
def test_a_component_is_documented_and_named(entry):
    assert (inspect.getdoc(entry.cls) or "").strip() in section(entry)
    assert entry.cls.paper in section(entry)
    assert naming(entry.cls.__name__, entry.name)


@pytest.mark.parametrize(
    ("entry", "name"), PARAMETERS, ids=lambda part: getattr(part, "name", part)
)
def test_a_parameter_is_documented_and_set_where_its_component_is_named(entry, name):
    (row,) = (row for row in describe(entry.cls) if row["name"] == name)
    assert row["description"]
    assert f"| `{name}` |" in section(entry)
    # An inherited parameter may be set with any component that inherits it.
    home = next(cls for cls in entry.cls.__mro__[::-1] if name in getattr(cls, "model_fields", {}))
    heirs = [other for other in ENTRIES if issubclass(other.cls, home)]
    named = naming(*(word for one in heirs for word in (one.cls.__name__, one.name)))
    assert set(named) & set(naming(name))


@pytest.mark.parametrize("name", privbench.__all__)
def test_a_public_name_is_documented_and_used(name):
    found = getattr(privbench, name)
    pages = [page for page in api.pages().values() if f" privbench.{name}\n" in page]
    assert len(pages) == 1
    assert inspect.isfunction(found) or inspect.isclass(found) or name == "hookimpl"
    if name != "hookimpl":  # which is pluggy's
        assert (found.__doc__ or "").strip()
    assert any(re.search(rf"\b{name}\b", text) for text in texts().values())


@pytest.mark.parametrize(
    "cls", [one for one in map(privbench.__getattr__, privbench.__all__) if inspect.isclass(one)]
)
def test_a_public_method_has_a_docstring(cls):
    for name, member in list(vars(cls).items()):
        function = getattr(member, "__func__", member)
        defined = inspect.isfunction(function) and function.__qualname__ == f"{cls.__name__}.{name}"
        if defined and not name.startswith("_"):
            assert inspect.getdoc(function), name
