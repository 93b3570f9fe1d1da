import copy
import gc
import pickle
import weakref

import pytest

from privbench.components.sealed import Sealed


class Secret:
    def tell(self, word, times=1):
        return word * times


def test_it_calls_the_function():
    assert Sealed(Secret().tell)("a", times=3) == "aaa"


def test_it_has_no_attribute_that_leads_to_the_function():
    sealed = Sealed(Secret().tell)
    assert not hasattr(sealed, "__dict__")
    assert not hasattr(sealed, "__wrapped__")
    with pytest.raises(AttributeError):
        sealed.other = 1


def test_copies_are_the_same_function_and_it_cannot_be_pickled():
    sealed = Sealed(Secret().tell)
    assert copy.copy(sealed) is sealed
    assert copy.deepcopy([sealed])[0]("b") == "b"
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(sealed)


def test_what_it_holds_is_freed_with_it():
    secret = Secret()
    watched, sealed = weakref.ref(secret), Sealed(secret.tell)
    del secret
    gc.collect()
    assert watched() is not None
    del sealed
    gc.collect()
    assert watched() is None
