"""Seeded changes of one thing in a submission, as somebody who wants better numbers would make them."""

import copy
import random

PARTS = {"rows": 60, "stages": 15, "differences": 8, "configuration": 10, "other": 10}
"""How often each part is changed."""


def leaves(value, path=()):
    """Yield the path of each value that is no list or object, and of each that is empty."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for i, item in enumerate(value):
            yield from leaves(item, (*path, i))
    else:
        yield path


def part_of(path):
    if path[:2] == ("submission", "stages"):
        return "stages"
    return path[0] if path[0] in PARTS else "other"


def changed(value, rng):
    """Return another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + rng.choice([-1, 1, 7])
    if isinstance(value, float):
        return value * rng.choice([0.5, 0.9, 0.99, 1.01, 1.1]) + (0.01 if value == 0 else 0.0)
    if isinstance(value, str):
        if len(value) in (40, 64) and value.isalnum():
            return value[:-1] + ("0" if value[-1] != "0" else "1")
        return value + "x"
    return rng.choice([0, 0.5, "x"])


def mutation(content, seed):
    """Return a changed copy of a content, and the path of what was changed."""
    rng = random.Random(seed)
    content = copy.deepcopy(content)
    if seed % 10 == 0:
        rows = content["rows"]
        i, how = rng.randrange(len(rows)), rng.choice(["missing", "twice", "swapped", "renamed"])
        if how == "missing":
            del rows[i]
        elif how == "twice":
            rows.insert(i, copy.deepcopy(rows[i]))
        elif how == "swapped":
            rows[i], rows[i - 1] = rows[i - 1], rows[i]
        else:
            rows[i]["defense"] = "better"
        return content, ("rows", how)
    if seed % 10 == 1:
        content["environment"]["commit"] = f"{rng.getrandbits(160):040x}"
        content["environment"]["clean"] = True
        return content, ("environment", "commit")
    by_part = {}
    for path in leaves(content):
        if path != ("submission", "digest"):
            by_part.setdefault(part_of(path), []).append(path)
    part = rng.choices(list(PARTS), list(PARTS.values()))[0]
    path = rng.choice(by_part[part])
    target = content
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = changed(target[path[-1]], rng)
    return content, path
