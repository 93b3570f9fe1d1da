import pytest

from privbench.errors import BadInput
from privbench.executors.named import build_executor


def test_parameters_are_toml_values_or_strings(host):
    assert build_executor("local", host).component.params() == {}
    assert build_executor(" processes[ workers = 3 ] ", host).component.params()["workers"] == 3
    assert build_executor("processes[]", host).name == "processes"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("locl", "did you mean 'local'"),
        ("local[workers=2]", "--executor local.workers: unknown key"),
        ("processes[workrs=2]", "did you mean 'workers'"),
        ("processes[workers=0]", "--executor processes.workers: 0"),
        ("processes[workers]", "'workers' is not PARAMETER=VALUE"),
        ("processes[workers=1, workers=2]", "'workers' is given twice"),
        ("processes[workers=2", r"write NAME, or NAME\[PARAMETER=VALUE, ...\]"),
        ("", "write NAME"),
        (
            "ray[num_cpus=2]",
            r"--executor: executor 'ray' is a package .*: pip install privbench-ray$",
        ),
        ("slurm", "pip install privbench-submitit$"),
    ],
)
def test_a_wrong_text_is_named(host, text, message):
    with pytest.raises(BadInput, match=message):
        build_executor(text, host)
