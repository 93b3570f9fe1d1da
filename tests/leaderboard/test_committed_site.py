"""The committed site is what the committed data give; if not, run `make results`."""

from pathlib import Path

import pytest

from privbench.leaderboard.pages import site_files
from privbench.leaderboard.site import make_site
from privbench.leaderboard.submissions.errata import read_errata
from privbench.leaderboard.submissions.merging import reported_in, submissions_in
from privbench.report.document import read_document

RESULTS = Path(__file__).parents[2] / "results"


@pytest.mark.slow  # make check-results
def test_the_committed_site_is_that_of_the_committed_data():
    runs = [read_document(path) for path in sorted(RESULTS.glob("*.json*"))]
    errata = read_errata(RESULTS / "errata.md")
    expected = site_files(make_site(runs, submissions_in(RESULTS), reported_in(RESULTS), errata))
    site = RESULTS / "site"
    committed = {str(path.relative_to(site)) for path in site.rglob("*") if path.is_file()}
    assert committed == set(expected)
    for name, content in expected.items():
        assert (site / name).read_bytes() == content, name
