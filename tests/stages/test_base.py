"""Keys and named draws of stages."""

from dataclasses import dataclass, replace

from privbench.stages import Stage, walk
from privbench.storage.artifacts import Artifact


@dataclass(frozen=True, eq=False)
class Node(Stage):
    """A stage without components."""

    kind = "node"

    title: str = ""
    seed: int = 0
    content: int = 0
    version: int = 0
    sources: tuple[Stage, ...] = ()

    @property
    def inputs(self):
        return self.sources

    def details(self):
        return {"content": self.content}

    def versions(self):
        return {"version": self.version}

    def compute(self, context):
        return Artifact()


class Renamed(Node):
    """The same stage under another kind, with the draws of the former one."""

    kind = "renamed"
    seed_kind = "node"


def test_the_key_depends_on_content_seed_versions_and_inputs_and_not_on_the_title():
    node = Node()
    assert replace(node, title="another").key == node.key
    changed = [
        replace(node, seed=1),
        replace(node, content=1),
        replace(node, version=1),
        replace(node, sources=(Node(content=5),)),
        Renamed(),
    ]
    assert len({node.key, *(stage.key for stage in changed)}) == 6


def test_draws_do_not_depend_on_versions_or_on_a_new_kind():
    node = Node()
    assert replace(node, version=1).names == node.names
    assert Renamed().names == node.names
    assert node.rng("a", 1).random() == replace(node, version=1).rng("a", 1).random()
    assert node.rng("a", 1).random() != node.rng("a", 2).random()
    assert node.rng("a", 1).random() != replace(node, content=1).rng("a", 1).random()


def test_a_change_of_an_input_changes_keys_downstream():
    below = Node(content=1)
    assert Node(sources=(below,)).key != Node(sources=(replace(below, version=2),)).key
    assert Node(sources=(below,)).names == Node(sources=(replace(below, version=2),)).names


def test_walk_is_depth_first_without_repeats():
    ground = Node(title="ground")
    left, right = (Node(title=t, content=i, sources=(ground,)) for i, t in enumerate("lr", 1))
    top = Node(title="top", content=3, sources=(left, right))
    assert [stage.title for stage in walk([top, right])] == ["ground", "l", "r", "top"]
