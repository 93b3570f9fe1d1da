"""``privbench leaderboard build``."""

from pathlib import Path

from privbench.report.document import read_document

from .helpers import refused

QUICKSTART = Path(__file__).parents[2] / "results" / "quickstart.json"


def test_a_site_of_a_file(cli, tmp_path):
    result = cli("leaderboard", "build", QUICKSTART, "-o", "site")
    assert result.exit_code == 0, result.output
    index = (tmp_path / "site" / "index.html").read_text()
    assert "digits" in index
    pages = len(list((tmp_path / "site").rglob("*.html")))
    assert result.stdout == f"site/index.html: {pages} pages\n"
    defenses = [path.read_text() for path in (tmp_path / "site" / "defenses").iterdir()]
    assert len(defenses) == 6
    commit = read_document(QUICKSTART).run.environment["commit"]
    assert all(f"commit {commit[:7]}" in text for text in defenses)


def test_bad_input(cli, tmp_path):
    refused(cli("leaderboard", "build", "-o", "site"), "there are no results in results")
    refused(cli("leaderboard", "build", "missing.json", "-o", "site"), "missing.json: No such file")
    refused(
        cli("leaderboard", "build", QUICKSTART, "-o", "site", "--data", "no"),
        "--data no: there is no",
    )
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "text").write_text("")
    refused(cli("leaderboard", "build", QUICKSTART, "-o", "mine"), "-o mine: it has other files")
