"""Notes of artifacts verify by their bytes, those of earlier versions by their values."""

import json

import pytest

from privbench.seeds import digest
from privbench.storage.notes import decoded_note, encoded_note

NOTE = {"key": "k", "info": {"auc": 0.1 + 0.2, "text": 'é", "checksum":"'}, "arrays": "", "n": 1}


def as_written_before(note):
    return json.dumps(note | {"checksum": digest(note)}, indent=1).encode()


@pytest.mark.parametrize("encode", [encoded_note, as_written_before])
def test_a_note_is_read_as_it_was_written(encode):
    assert decoded_note(encode(NOTE)) == NOTE


def test_earlier_versions_read_a_note_and_find_its_checksum():
    note = json.loads(encoded_note(NOTE))
    assert note.pop("checksum") == digest(note) == digest(NOTE)


@pytest.mark.parametrize("encode", [encoded_note, as_written_before])
def test_each_bit_that_is_flipped_is_noticed(encode):
    content = encode(NOTE)
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        try:
            note = decoded_note(bytes(changed))
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
        assert note == NOTE, place  # another space between values is no damage


@pytest.mark.parametrize("text", [b"", b"[]", b"1", b"{}", b'{"checksum":1}', b"[" * 10**5])
def test_what_is_no_note_is_refused(text):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        decoded_note(text)
