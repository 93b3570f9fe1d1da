"""The conformance suite of privbench. A fit without a choice of marginals is compiled only once."""

import pytest
from privbench_marginals import Aim, Mst

from privbench.testing import GeneratorSuite

SMALL = {"epsilon": 4.0, "bins": 3, "iterations": 50}


class TestMst(GeneratorSuite):
    component = Mst
    params = {**SMALL, "degree": 1}


@pytest.mark.slow
class TestMstThatSelects(GeneratorSuite):
    component = Mst
    params = SMALL


@pytest.mark.slow
class TestAim(GeneratorSuite):
    component = Aim
    params = {**SMALL, "rounds": 2}
