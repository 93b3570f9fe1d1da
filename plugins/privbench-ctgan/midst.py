"""Run the benchmark ``midst``, and print the TPR at 10% FPR of each attack, as the challenge did.

    python plugins/privbench-ctgan/midst.py [RESULTS]

Rows hold the TPR at 0.1% and 1% FPR; that at 10% is read off the stored ROC curves.
"""

import sys
from pathlib import Path

import numpy as np

from privbench.api import make_plans, run_plan
from privbench.plugins.host import PluginHost
from privbench.report.curves import curves_stored_in
from privbench.storage.artifacts import Store

FILE = Path(__file__).with_name("benchmarks.toml")
SEES = {"synthetic": "data", "generator": "network"}


def main() -> None:
    """Run the benchmark and print the table."""
    results = Path(sys.argv[1] if len(sys.argv) > 1 else "results")
    host = PluginHost(["privbench_ctgan"])
    (plan,) = make_plans(["midst"], host, config=FILE)
    rows = run_plan(plan, host, results=results, device="cpu")
    curve = curves_stored_in(Store(results))
    print("| attack | sees the | AUC | TPR at 10% FPR |\n|---|---|---|---|")
    for row in rows:
        band = curve(row)
        if row["status"] != "ok" or band is None:
            print(f"| {row['attack']} | | {row['status']}: {row['reason']} | |")
            continue
        at = int(np.abs(band.fpr - 0.1).argmin())
        auc = "{:.3f} [{:.3f}, {:.3f}]".format(row["auc"], *row["auc_ci"])
        tpr = f"{band.tpr[at]:.3f} [{band.low[at]:.3f}, {band.high[at]:.3f}]"
        print(f"| {row['attack']} | {SEES[row['observes']]} | {auc} | {tpr} |")


if __name__ == "__main__":
    main()
