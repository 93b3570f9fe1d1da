import time

import pytest

from privbench.logs.records import MAX_MESSAGE
from privbench.logs.secrets import Redactor, redacted, secrets_of

SECRET = "hunter2hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{SECRET}@example.org/data.npz",
        f"https://{SECRET}@example.org",
        f"s3://bucket/x?X-Amz-Signature={SECRET}&n=1",
        f"https://example.org/?key={SECRET}",
        f"https://example.org/?sig={SECRET}",
        f"password={SECRET}",
        f"password: '{SECRET}'",
        f'{{"api_key": "{SECRET}"}}',
        f"AWS_SECRET_ACCESS_KEY={SECRET}",
        f"Authorization: Bearer {SECRET}",
        f"tracker --api-key {SECRET} --other",
        f"run --set remote.token={SECRET}",
        f"ghp_{SECRET}0123456789",
        f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.abcdefgh",
    ],
)
def test_secrets_are_hidden(text):
    assert SECRET not in redacted(text)
    assert "***" in redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "privbench run quickstart --set mlp.epochs=5 -k 'lira and not naive'",
        "population digits/dp-sgd[epsilon=8.0]/mlp[hidden=(64, 32)]: begins (key 1568a51c14fe)",
        "https://example.org/data?n=3",
        "16 models, batched: 16 models at once",
        "author=me, tokens: 512",
    ],
)
def test_other_text_stays(text):
    assert redacted(text) == text


def test_values_of_the_environment_are_hidden_wherever_they_stand(monkeypatch):
    monkeypatch.setenv("WANDB_API_KEY", SECRET)
    monkeypatch.setenv("PWD", "/home/me/work")
    values = {
        "message": f"login with {SECRET}!",
        "versions": {"a": [SECRET, 1]},
        "folder": "/home/me/work",
    }
    cleaned = Redactor().clean(values)
    assert cleaned["message"] == "login with ***!"
    assert cleaned["versions"] == {"a": ["***", 1]}
    assert cleaned["folder"] == "/home/me/work"


def test_short_values_are_words():
    assert secrets_of({"MY_TOKEN": "data", "LONG_TOKEN": "datadata"}) == ("datadata",)


def test_long_texts_are_cut_and_take_no_time():
    cleaner = Redactor()
    start = time.process_time()
    for unit in ("token", "eyJ", "a=", "://", "x", "--token ", "password = "):
        text = cleaner.clean(unit * 10**6)
        assert len(text) < MAX_MESSAGE + 50
        assert "characters left out" in text
    assert time.process_time() - start < 20  # linear: 0.2 s; quadratic: hours
