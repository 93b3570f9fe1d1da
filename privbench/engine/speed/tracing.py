"""Record the tensor operations of a function, forward and backward, as a graph that can be replayed.

``torch.fx.experimental.proxy_tensor.make_fx`` does the same for more kinds of functions. It imports
torch's compiler, which takes longer than training a few small models.

Of torch's private names it uses two. ``TorchDispatchMode`` is what torch's documentation of extensions
tells to import from ``torch.utils._python_dispatch``; there is no other name for it.
``_should_skip_dynamo`` saves an import, and no harm is done where torch does not ask for it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten


@dataclass(frozen=True)
class Facts:
    """What a recorded operation returned, beside its values."""

    shape: torch.Size
    strides: tuple[int, ...]
    dtype: torch.dtype
    device: torch.device
    depends_on_inputs: bool


def facts_of(node: Any) -> Facts:
    """Return the facts of what a node of a graph of ``trace`` returns, which must be a tensor."""
    facts: Facts = node.meta["facts"]
    return facts


def trace(function: Callable[..., Any], *inputs: Tensor) -> fx.GraphModule:
    """Return the operations of ``function(*inputs)``, as a function of tensors of the same shapes.

    Tensors that are no inputs, such as those of a closure, are constants of the graph.

    Args:
        function: Returns a tensor, or a sequence of tensors and None.
        inputs: Its arguments, which decide what its Python code does.

    Raises:
        RuntimeError: If the function looks at the values of its tensors.
    """
    recorder = _Recorder(inputs)
    with recorder:
        results = function(*inputs)
    recorder.graph.output(recorder.with_nodes(results))
    return fx.GraphModule(recorder.constants, recorder.graph)


# Types of torch cover neither the creation of a mode's subclass nor its constructor.
class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds operations to a graph, and computes them.

    They arrive below autograd and ``vmap``: on stacked tensors, and with those of the backward pass.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.graph, self.constants = fx.Graph(), nn.Module()
        # Tensors are kept, so that no new one gets the identity of one that was deleted.
        self._known: dict[int, tuple[Tensor, fx.Node]] = {}
        for number, tensor in enumerate(inputs):
            self._note(tensor, self.graph.placeholder(f"input{number}"), depends_on_inputs=True)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is aten.lift_fresh.default:  # of a constant, which later operations may alter
            func = aten.lift_fresh_copy.default
        kwargs = kwargs or {}
        node = self.graph.call_function(func, self.with_nodes(args), self.with_nodes(kwargs))
        depends = any(facts_of(used).depends_on_inputs for used in node.all_input_nodes)
        if torch.Tag.data_dependent_output in func.tags:  # a number, and not a tensor
            if depends:
                raise RuntimeError(f"{func} looks at the value of a tracing tensor")
            self.graph.erase_node(node)
            return func(*args, **kwargs)
        result = func(*args, **kwargs)
        if isinstance(result, Tensor):
            self._note(result, node, depends)
        elif isinstance(result, (tuple, list)):
            for position, part in enumerate(result):
                if isinstance(part, Tensor):
                    picked = self.graph.call_function(operator.getitem, (node, position))
                    self._note(part, picked, depends)
        return result

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Return False, so that torch does not import its compiler, to keep it from this class."""
        return False

    def with_nodes(self, values: Any) -> Any:
        """Return arguments or results with nodes in place of tensors."""
        if isinstance(values, Tensor):
            return self._node(values)
        if isinstance(values, (tuple, list)):
            return type(values)(map(self.with_nodes, values))
        if isinstance(values, dict):
            return {name: self.with_nodes(value) for name, value in values.items()}
        return values

    def _node(self, tensor: Tensor) -> fx.Node:
        if id(tensor) not in self._known:
            name = f"tensor{len(self._known)}"
            self.constants.register_buffer(name, tensor.detach())
            self._note(tensor, self.graph.get_attr(name), depends_on_inputs=False)
        return self._known[id(tensor)][1]

    def _note(self, tensor: Tensor, node: fx.Node, depends_on_inputs: bool) -> None:
        """Let a node stand for a tensor from now on."""
        node.meta["facts"] = Facts(
            tensor.shape, tensor.stride(), tensor.dtype, tensor.device, depends_on_inputs
        )
        self._known[id(tensor)] = tensor, node
