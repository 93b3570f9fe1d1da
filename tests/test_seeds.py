import hashlib

import pytest

from privbench.seeds import canonical_json, digest, generator, seed_of


def test_canonical_json_is_one_text_per_value():
    assert canonical_json({"b": 1, "a": [1.5, None]}) == '{"a":[1.5,null],"b":1}'
    assert canonical_json({"a": 1, "b": 2}) == canonical_json({"b": 2, "a": 1})


def test_canonical_json_refuses_nan():
    with pytest.raises(ValueError, match="JSON"):
        canonical_json(float("nan"))


def test_digest_is_the_sha256_of_the_canonical_json():
    assert digest({"a": 1}) == hashlib.sha256(b'{"a":1}').hexdigest()


def test_draws_depend_on_every_named_part():
    seeds = {
        seed_of(*parts) for parts in [(0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 2), (0, "a")]
    }
    assert len(seeds) == 5
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert generator(0, "a").random() == generator(0, "a").random()
