#!/usr/bin/env bash
# Install packages of this folder from wheels, as a user would, and run the tests of each.
#
# usage: plugins/test.sh ENVIRONMENT CONSTRAINTS PACKAGE...
#
# Third-party versions are those of constraints.txt and of CONSTRAINTS. What tests of a package need is its extra "test".
set -euo pipefail
cd "$(dirname "$0")/.."
environment=$PWD/$1 constraints=$2
shift 2

bin=$environment/bin
if [ ! -x "$bin/python" ]; then
    "${PYTHON:-python3}" -m venv "$environment"
fi
export PIP_CONSTRAINT="$PWD/constraints.txt $PWD/$constraints" PIP_DISABLE_PIP_VERSION_CHECK=1
"$bin/python" -m pip install --quiet hatchling

wheels=$environment/wheels
rm -rf "$wheels"
"$bin/python" -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir "$wheels" . "${@/#/./plugins/}"
core=("$wheels"/privbench-*.whl)
packages=()
for package in "$@"; do
    packages+=("$(echo "$wheels/${package//-/_}"-*.whl)[test]")
done
"$bin/python" -m pip install --quiet "${core[@]}" "${packages[@]}"
# An earlier build has the same version, and stays in place unless it is replaced.
"$bin/python" -m pip install --quiet --no-deps --force-reinstall "$wheels"/*.whl

status=0
export OMP_NUM_THREADS=1 # small problems; threads of OpenMP would wait for each other
unset PYTHONPATH # the wheels are tested, and not the sources in this folder
for package in "$@"; do
    echo "== $package"
    # The command pytest, unlike "python -m pytest", leaves the current folder out of the search path.
    "$bin/pytest" "plugins/$package/tests" || status=1
done
exit "$status"
