"""The conformance suite of privbench, on small networks.

Its problems for attacks have no fitted generators, so of Tartan-Federer it checks what needs no scores.
"""

import pytest
from privbench_ctgan import Ctgan, TabDdpm, TartanFederer, Tvae

from privbench.testing import AttackSuite, GeneratorSuite

SMALL = {"epochs": 2, "hidden": (8,), "dim": 4, "batch_size": 20}


class TestTabDdpm(GeneratorSuite):
    component = TabDdpm
    params = {"timesteps": 10, "steps": 10, "batch_size": 16, "hidden": (8,)}


class TestTartanFederer(AttackSuite):
    component = TartanFederer
    params = {"times": (0.01, 0.05), "draws": 3, "hidden": 8, "epochs": 5}


# A fit of CTGAN or TVAE first describes each number by a mixture of Gaussians, which takes long.
@pytest.mark.slow
class TestCtgan(GeneratorSuite):
    component = Ctgan
    params = SMALL


@pytest.mark.slow
class TestTvae(GeneratorSuite):
    component = Tvae
    params = SMALL
