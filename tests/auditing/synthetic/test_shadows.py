"""Shadow tables: from a folder, and from a generator that is resumed."""

import logging

import numpy as np
import pandas as pd
import pytest

import privbench
from privbench.auditing.synthetic.shadows import (
    drawn_members,
    folder_of,
    load_generator,
    read_folder,
    trained,
)
from privbench.errors import BadInput, DataError, PrivbenchError

from .helpers import leaky, people

TRAIN, HOLDOUT = people(200, 0), people(300, 1)
SYNTHETIC = leaky(TRAIN, 3, 200)
ATTACKS = ["gan-leaks", "shadow-density", "dcr", "stacked"]


def test_each_record_is_in_with_probability_one_half():
    member = drawn_members(1000, 16, 0)
    assert member.shape == (16, 1000)
    assert abs(member.mean() - 0.5) < 0.02
    assert not (member[0] == member[1]).all()


def test_shadows_are_not_larger_than_train():
    assert abs(drawn_members(1000, 16, 0, 200).sum(axis=1).mean() - 200) < 20
    np.testing.assert_array_equal(drawn_members(1000, 16, 0, 500), drawn_members(1000, 16, 0))


def test_a_shadow_has_its_members_and_is_filled_up():
    seen = []

    def generate(table, seed, n):
        seen.append((table, seed, n))
        return table.head(n)

    member = np.array([[True, False, True], [False, False, True]])
    attacked, fill = people(3, 0), people(10, 1)
    made = list(trained(generate, attacked, fill, member, (6, 2), None, (), 0))
    assert [len(table) for table in made] == [2, 1 + 1]
    assert [len(table) for table, _, _ in seen] == [6, 6]
    assert [n for _, _, n in seen] == [2, 2]
    assert seen[0][1] != seen[1][1]
    for (table, _, _), row in zip(seen, member, strict=True):
        assert set(table["income"]) & set(attacked["income"]) == set(attacked["income"][row])
        assert set(table["income"]) - set(attacked["income"]) <= set(fill["income"])


def test_a_run_that_stopped_goes_on_and_a_folder_can_be_read_again(tmp_path, caplog):
    caplog.set_level(logging.INFO, "privbench")
    log = tmp_path / "calls"
    log.touch()

    def calls():
        return len(log.read_text())

    def generate(table, seed, n):
        log.write_text(log.read_text() + ".")
        if calls() == 3:
            raise ValueError("out of memory")
        return leaky(table, seed, n)

    def run():
        return privbench.audit_data(
            TRAIN,
            HOLDOUT,
            SYNTHETIC,
            generator=generate,
            shadows=6,
            cache=tmp_path / "cache",
            attacks=ATTACKS,
        )

    report = run()
    assert report.failed == {"generator": "shadow 2: ValueError: out of memory"}
    assert report.incomplete
    assert {"shadow-density", "stacked"} <= set(report.skipped)
    report = run()
    assert calls() == 3 + 4
    assert "shadow table 6 of 6" in caplog.text
    assert report.n_shadows == 6
    assert report.chosen == "stacked"
    assert report.attacks["stacked"].above_chance
    (folder,) = (tmp_path / "cache").iterdir()
    again = privbench.audit_data(TRAIN, HOLDOUT, SYNTHETIC, shadow=folder, attacks=ATTACKS)
    assert calls() == 7
    for name, attack in report.attacks.items():
        np.testing.assert_allclose(again.attacks[name].scores, attack.scores, rtol=1e-4, atol=1e-5)


def test_words_that_look_like_numbers_survive_the_cache(tmp_path):
    codes = {"a": "01", "b": "02", "c": "3", "d": "4"}
    train, holdout = (table.assign(city=table["city"].map(codes)) for table in (TRAIN, HOLDOUT))
    for _ in range(2):
        report = privbench.audit_data(
            train, holdout, train, generator=leaky, shadows=4, cache=tmp_path, attacks=["gan-leaks"]
        )
        assert report.n_shadows == 4


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (lambda table: table.drop(columns="age"), "shadow 0: lacks column 'age'"),
        (lambda table: table.assign(age="old"), "column 'age' has words such as 'old'"),
    ],
)
def test_what_a_generator_returns_is_checked(returned, words):
    with pytest.raises(PrivbenchError) as error:
        privbench.audit_data(
            TRAIN, HOLDOUT, SYNTHETIC, generator=lambda table, seed, n: returned(table), shadows=4
        )
    assert words in str(error.value)


@pytest.mark.parametrize("returned", [3, np.zeros((5, 2))])
def test_attacks_without_shadows_go_on_where_the_generator_fails(returned):
    report = privbench.audit_data(
        TRAIN, HOLDOUT, SYNTHETIC, generator=lambda table, seed, n: returned, shadows=4,
        attacks=["dcr", "shadow-density", "stacked"],
    )  # fmt: skip
    assert "shadow 0: expected a table with 6 columns, got " in report.failed["generator"]
    assert list(report.attacks) == ["dcr"]
    reason = "needs shadow tables, which the generator did not make"
    assert report.skipped == {"shadow-density": reason, "stacked": reason}
    assert "failed generator: shadow 0: expected a table" in " ".join(str(report).split())


def test_a_folder_lacks_halves_or_is_too_small(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        read_folder(tmp_path / "nowhere")
    TRAIN.to_csv(tmp_path / "a.csv", index=False)
    TRAIN.to_csv(tmp_path / "b.members.csv", index=False)
    with pytest.raises(DataError, match=r"a\.csv, b\.members\.csv: each shadow is two files"):
        read_folder(tmp_path)
    TRAIN.to_csv(tmp_path / "a.members.csv", index=False)
    TRAIN.to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match="there are 2 shadow tables, at least 4 are needed"):
        read_folder(tmp_path)


def test_shadows_of_other_rows_are_refused(tmp_path):
    for i in range(4):
        people(50, 10 + i).to_csv(tmp_path / f"{i}.csv", index=False)
        people(50, 20 + i).to_csv(tmp_path / f"{i}.members.csv", index=False)
    with pytest.raises(BadInput, match=r"0\.0% of the attacked rows are in a shadow's members"):
        privbench.audit_data(TRAIN, HOLDOUT, SYNTHETIC, shadow=tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "no such file"),
        ("x = 1", "defines no function generate(table, seed, n)"),
        ("raise RuntimeError('boom')", "RuntimeError: boom"),
    ],
)
def test_a_wrong_file_of_a_generator_is_named(tmp_path, text, words):
    file = tmp_path / "gen.py"
    if text is not None:
        file.write_text(text)
    with pytest.raises(BadInput) as error:
        load_generator(file)
    assert f"--generator {file}" in str(error.value)
    assert words in str(error.value)


def test_a_generator_may_import_what_lies_beside_it(tmp_path):
    (tmp_path / "beside_gen.py").write_text("def rows(table, n): return table.head(n)")
    (tmp_path / "gen.py").write_text(
        "from beside_gen import rows\ndef generate(table, seed, n): return rows(table, n)"
    )
    assert len(load_generator(tmp_path / "gen.py")(pd.DataFrame({"a": [1, 2]}), 0, 1)) == 1


def test_another_generator_or_other_rows_have_a_folder_of_their_own(tmp_path):
    def folder(text, **parts):
        (tmp_path / "gen.py").write_text(text)
        return folder_of(tmp_path / "cache", load_generator(tmp_path / "gen.py"), parts)

    one = "def generate(table, seed, n): return table.head(n)\n"
    first = folder(one, seed="0")
    assert folder(one, seed="0") == first
    others = {folder(one + "# changed\n", seed="0"), folder(one, seed="1")}
    assert len(others | {first}) == 3
    made_here = eval("lambda table, seed, n: table")  # as in a notebook: of no file
    assert folder_of(tmp_path / "cache", made_here, {}).is_dir()


def test_a_generator_that_closes_over_other_values_has_a_folder_of_its_own(tmp_path):
    def made(noise):
        def generate(table, seed, n):
            return table.sample(n, replace=True, random_state=seed) + noise

        return generate

    folders = [folder_of(tmp_path, made(noise), {}) for noise in (1, 2, 1)]
    assert folders[0] == folders[2] != folders[1]


@pytest.mark.parametrize("source", ["train", "both"])
def test_shadows_of_train_alone_would_give_it_away(tmp_path, source):
    rows = TRAIN if source == "train" else pd.concat([TRAIN, HOLDOUT])
    for i in range(4):
        people(100, 20 + i).to_csv(tmp_path / f"s{i}.csv", index=False)
        members = rows.sample(frac=0.5, random_state=i)
        members.to_csv(tmp_path / f"s{i}.members.csv", index=False)

    def run():
        return privbench.audit_data(
            TRAIN, HOLDOUT, people(100, 9), shadow=tmp_path, attacks=["gan-leaks"]
        )

    if source == "both":
        assert run().n_shadows == 4
    else:
        with pytest.raises(BadInput, match=r"of train .* but 0\.0% of those of the holdout"):
            run()
