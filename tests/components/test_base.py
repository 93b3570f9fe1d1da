import pytest
from pydantic import Field, ValidationError

from privbench.components import KINDS, Component
from privbench.plugins.host import PluginHost


class Mine(Component):
    """Mine."""

    kind = "attack"
    name = "mine"
    power: float = Field(1.0, gt=0, description="exponent")
    sizes: tuple[int, ...] = Field((8,), description="sizes")


def test_parameters_are_json_values():
    assert Mine(power=2, sizes=(3, 4)).params() == {"power": 2.0, "sizes": [3, 4]}


@pytest.mark.parametrize(
    "given", [{"power": 0.0}, {"power": float("nan")}, {"power": float("inf")}, {"unknown": 1}]
)
def test_parameters_are_checked(given):
    with pytest.raises(ValidationError):
        Mine(**given)


def test_a_default_is_checked_as_well():
    class Wrong(Component):
        kind = "attack"
        name = "wrong"
        power: float = Field(-1.0, gt=0, description="exponent")

    with pytest.raises(ValidationError):
        Wrong()


def test_components_do_not_change():
    component = Mine()
    with pytest.raises(ValidationError, match="frozen"):
        component.power = 3.0


def test_there_is_a_hook_for_each_kind():
    assert set(PluginHost(installed=False).registries) == set(KINDS)
