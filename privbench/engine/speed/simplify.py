"""Simplify recorded steps: a step of small models spends most of its time between operations.

What autograd and vmap leave behind, and is removed here:

- detached copies, identity permutations, and factors of one;
- additions of a bias to a product that could add it itself;
- the value of the loss, if only its gradient is used;
- the backward pass of averages, which multiplies constants;
- operations that are computed twice on the same inputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

from privbench.engine.speed.tracing import facts_of

aten = torch.ops.aten

CONSTANT = (
    *(aten.ones_like.default, aten.zeros_like.default, aten.full_like.default),
    *(aten.new_zeros.default, aten.new_ones.default, aten.new_full.default),
    *(aten.ones.default, aten.zeros.default, aten.full.default, aten.arange.default),
)
"""Operations whose result depends on the shapes of tensors only, which are fixed in a recorded step."""

SAME_IF_OF_THE_SAME_SHAPE = (aten.view.default, aten._unsafe_view.default, aten.expand.default)


def simplify(module: fx.GraphModule) -> None:
    """Simplify a recorded step in place; a step with in-place operations is left as it is."""
    nodes = [node for node in module.graph.nodes if node.op == "call_function"]
    if any(_mutates(node.target) for node in nodes):
        return
    for node in nodes:
        if _is_identity(node):
            node.replace_all_uses_with(node.args[0])
            module.graph.erase_node(node)
    module.graph.eliminate_dead_code()
    _merge_equal(module)
    _add_in_products(module)
    _fold_constants(module)
    module.graph.eliminate_dead_code()
    module.recompile()


def _merge_equal(module: fx.GraphModule) -> None:
    """Merge operations with the same inputs, except those that draw random numbers."""
    seen: dict[tuple[Any, ...], fx.Node] = {}
    for node in list(module.graph.nodes):
        tags = getattr(node.target, "tags", ())
        if node.op != "call_function" or torch.Tag.nondeterministic_seeded in tags:
            continue
        first = seen.setdefault((node.target, str(node.args), str(node.kwargs)), node)
        if first is not node:
            node.replace_all_uses_with(first)
            module.graph.erase_node(node)


def _mutates(target: Any) -> bool:
    schema = getattr(target, "_schema", None)
    return schema is not None and schema.is_mutable


def _is_identity(node: fx.Node) -> bool:
    if node.target is aten.detach.default:
        return True
    if node.target in (aten.mul.Tensor, aten.mul.Scalar):
        return isinstance(node.args[1], (int, float)) and node.args[1] == 1 and _same_type(node)
    if node.target in SAME_IF_OF_THE_SAME_SHAPE:
        return bool(facts_of(node).shape == facts_of(node.args[0]).shape)
    # The second argument of a permutation is a list, which the type of arguments does not say.
    return node.target is aten.permute.default and list(node.args[1]) == list(  # type: ignore[arg-type]
        range(len(node.args[1]))  # type: ignore[arg-type]
    )


def _same_type(node: fx.Node) -> bool:
    return bool(facts_of(node).dtype == facts_of(node.args[0]).dtype)


def _add_in_products(module: fx.GraphModule) -> None:
    """Let a product add the bias (models, 1, m) of its layer, if nothing else uses the product."""
    for node in list(module.graph.nodes):
        if node.target is not aten.add.Tensor or node.kwargs:
            continue
        bias, product = node.args
        if not isinstance(product, fx.Node) or product.target is not aten.bmm.default:
            continue
        shape = facts_of(bias).shape if isinstance(bias, fx.Node) else ()
        fits = len(shape) == 3 and shape == (facts_of(node).shape[0], 1, facts_of(node).shape[2])
        if fits and len(product.users) == 1 and facts_of(bias).dtype == facts_of(product).dtype:
            node.target, node.args = aten.baddbmm.default, (bias, *product.args)
            module.graph.erase_node(product)


def _fold_constants(module: fx.GraphModule) -> None:
    """Replace what depends on no input by constants."""
    known: dict[fx.Node, Any] = {}
    for node in list(module.graph.nodes):
        if node.op != "call_function":
            continue
        if node.target in CONSTANT:
            known[node] = _constant(node)
        elif _adds_nothing(node, known):
            node.replace_all_uses_with(node.args[0])
        elif node.all_input_nodes and all(n in known for n in node.all_input_nodes):
            known[node] = _call(node.target, node, known)
    for number, (node, value) in enumerate(known.items()):
        users = [user for user in node.users if user not in known]
        if not users or not isinstance(value, Tensor):
            continue
        name = f"constant{number}"
        module.register_buffer(name, value)
        with module.graph.inserting_before(node):
            stored = module.graph.get_attr(name)
        node.replace_all_uses_with(stored, delete_user_cb=lambda user: user not in known)


def _adds_nothing(node: fx.Node, known: dict[fx.Node, Any]) -> bool:
    if node.target is not aten.add.Tensor or node.kwargs or node.args[1] not in known:
        return False
    first, second = node.args
    # It is a key of ``known``, so that it is a node.
    nothing: Tensor = known[second]  # type: ignore[index]
    return bool(facts_of(node).shape == facts_of(first).shape and not nothing.any())


def _constant(node: fx.Node) -> Any:
    """Return the value of a node that depends on the shapes of its inputs only."""
    return _call(node.target, node, {n: _empty_like(n) for n in node.all_input_nodes})


def _empty_like(node: fx.Node) -> Tensor:
    like = facts_of(node)
    return torch.empty_strided(like.shape, like.strides, dtype=like.dtype, device=like.device)


def _call(target: Any, node: fx.Node, values: dict[fx.Node, Any]) -> Any:
    def of(argument: fx.Node) -> Any:
        return values[argument]

    call: Callable[..., Any] = target
    with torch.no_grad():
        return call(*fx.map_arg(node.args, of), **fx.map_arg(node.kwargs, of))
