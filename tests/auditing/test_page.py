"""The page of an audit: what it says, that it is complete in itself, and that names are text in it."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

import privbench
from privbench.auditing.predictions import Predictions

HOSTILE = "<script>alert(1)</script>'\"><img src=x onerror=alert(1)>{{ 7*7 }}\x1b[31m\u202e"
VOID = {"meta", "link"}


class Checker(HTMLParser):
    """Collects text, tags and attributes, and checks that tags are closed in order."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tags, self.values, self.ids, self.words = [], [], [], [], []
        self.feed(page)
        assert self.open == []
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [(tag, name, value or "") for name, value in attrs]
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.words.append(data)


@pytest.fixture(scope="module")
def several():
    """An audit of sixteen models, each other's shadows, of which one group of records leaks."""
    rng = np.random.default_rng(0)
    member = rng.random((16, 200)) < 0.5
    labels = rng.integers(0, 3, 200)
    logits = rng.normal(size=(16, 200, 3))
    logits[:, np.arange(200), labels] += 1 + 4 * (member & (np.arange(200) < 60))
    region = np.where(np.arange(200) < 60, HOSTILE.replace("\x1b", ""), "elsewhere")
    arrays = {"logits": logits, "labels": labels, "member": member, "region": region}
    arrays["record_ids"] = np.array([f"person {i}" for i in range(200)])
    return privbench.audit(arrays, attacks=["loss", "gap", "quantile"], slices=["region"])


@pytest.fixture
def single(arrays):
    return privbench.audit(arrays(n_models=1, n=300), attacks=["loss", "lira", "gradient"])


def test_the_sentence_has_the_numbers_of_the_report(several):
    page = Checker(several.to_html())
    rate = several.attacks["loss"].summary.tpr_at_fpr["0.01"]
    numbers = [f"{1000 * x:.0f}" for x in (rate["value"], *rate["ci"])]
    assert "Of 1,000 members" in page.text
    assert (
        f"finds about {numbers[0]} [{numbers[1]}, {numbers[2]}] . Guessing would find 10"
        in page.text
    )
    assert "the strongest of 2 on these very records" in page.text
    assert "That is more than chance explains" in page.text


def test_it_names_records_groups_and_what_was_not_tested(several):
    page = Checker(several.to_html("privbench audit x.npz --html 'a b.html'"))
    risk = several.attacks["loss"].record_risk
    assert f"In {risk['n_exposed']} records of {risk['n_records']}" in page.text
    assert f"person {risk['most_exposed'][0]['record']} " in page.text
    assert "By region" in page.text
    assert "elsewhere" in page.text
    assert "needs the records themselves" in page.text
    assert "privbench audit x.npz --html 'a b.html'" in page.text
    assert "dp-sgd[epsilon=8]" in page.text  # what defenses cost, as measured
    assert several.environment["python"] in page.text


def test_a_page_of_one_model_says_what_one_model_cannot_show(single):
    page = Checker(single.to_html())
    assert "Another training run." in page.text
    assert "none were given" in page.text
    assert "Train 16 shadow models" in page.text
    attack = single.attacks["loss"]
    scores, member = attack.scores[0], single.member[0]
    first = int(np.argmax(np.where(member, scores, -np.inf)))
    before = int((scores[~member] >= scores[first]).sum())
    label = single.target.labels[first]
    assert f" {first} {label} {before} of {(~member).sum()} " in page.text


def test_unresolved_rates_are_not_numbers(arrays):
    few = privbench.audit(arrays(n_models=1, n=60), attacks=["loss"])
    text = Checker(few.to_html()).text
    assert "too few non-members" in text
    assert "not known" in text
    assert "takes at least 100" in text


def test_no_better_than_guessing_is_not_called_safe(arrays):
    made = arrays(n_models=1, n=400, signal=0.0)
    text = Checker(privbench.audit(made, attacks=["loss"]).to_html()).text
    assert "no better than guessing. It does not follow that nothing leaks" in text


def test_nothing_was_measured(arrays):
    report = privbench.audit(arrays(n_models=1), attacks=["quantile"])
    page = Checker(report.to_html())
    assert "Nothing was measured" in page.text
    assert "No attack returned scores" in report._repr_html_()
    assert "No attack returned scores" in report.to_markdown()


def test_names_and_reasons_are_text(several):
    reports = {f"{HOSTILE}{name}": one for name, one in several.attacks.items()}
    input_ = replace(several.inputs[0], name=f"{HOSTILE}.npz")
    report = replace(
        several, attacks=reports, skipped={HOSTILE: HOSTILE}, failed={HOSTILE: HOSTILE},
        inputs=[input_], environment={"plugins": {HOSTILE: HOSTILE}},
    )  # fmt: skip
    for html in (report.to_html(HOSTILE), report._repr_html_()):
        page = Checker(html)
        assert not {"script", "img"} & set(page.tags)
        assert not [name for _, name, _ in page.values if name.startswith("on")]
        assert "<script>alert(1)</script>" in page.text
        assert "{{ 7*7 }}" in page.text
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", html)


def test_a_page_is_complete_in_itself(several, single):
    for report in (several, single):
        page = Checker(report.to_html())
        assert "script" not in page.tags
        links = [value for _, name, value in page.values if name in ("href", "src")]
        inside = {link.removeprefix("#") for link in links if link.startswith("#")}
        assert inside <= set(page.ids)
        assert [link for link in links if not link.startswith("#")] == ["data:,"]
        assert "url(" not in report.to_html()
        assert len(page.ids) == len(set(page.ids))
        described = {value for _, name, value in page.values if name == "aria-describedby"}
        assert described <= set(page.ids)


def test_the_same_report_gives_the_same_page(several):
    assert several.to_html() == several.to_html()


def test_notebooks_show_a_part_of_it(several):
    html = several._repr_html_()
    assert "Of 1,000 members" in Checker(html).text
    assert "<html" not in html
    assert len(html) < 6000


def test_markdown_has_attacks_and_slices(several):
    text = several.to_markdown()
    assert re.search(r"^\| loss +\| \.\d{3} \[", text, re.MULTILINE)
    assert re.search(r"^\| class +\| 0 ", text, re.MULTILINE)
    assert "corrected by Holm" in text


def test_json_has_slices_and_where_predictions_came_from(several):
    found = json.loads(json.dumps(several.to_json(), allow_nan=False))
    assert found["chosen"] == "loss"
    assert {one["column"] for one in found["slices"]} == {"class", "answer of the model", "region"}
    assert found["inputs"] == [
        {
            "role": "target",
            "name": "",
            "sha256": None,
            "n_models": 16,
            "n_records": 200,
            "read_as": [],
        }
    ]


def test_auto_is_chosen_before_results_are_known(several):
    report = replace(several, attacks={**several.attacks, "auto": several.attacks["gap"]})
    assert report.chosen == "auto"
    assert "chosen before the results were known" in Checker(report.to_html()).text


def test_predictions_can_be_passed_with_columns():
    member = np.random.default_rng(0).random((1, 100)) < 0.5
    arrays = {"logits": np.zeros((100, 2)), "labels": np.zeros(100, int), "member": member[0]}
    target = Predictions.of(arrays | {"age": np.arange(100)}, columns=["age"])
    assert privbench.audit(target, attacks=["loss"], slices=["age"]).target is target
