"""Signals end a command; the first Ctrl-C only asks while stages are computed."""

import gc
import os
import signal

import pytest

from privbench import interrupt
from privbench.interrupt import Interrupted


@pytest.fixture
def listens():
    """Signals as a command gets them, though this process may have been told to ignore some."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in interrupt.SIGNALS}
    with interrupt.listening():
        yield
    for number, handler in before.items():
        assert signal.getsignal(number) is signal.SIG_DFL
        signal.signal(number, handler)


def strike(number=signal.SIGINT):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", interrupt.SIGNALS)
def test_a_signal_is_raised(listens, number):
    with pytest.raises(Interrupted) as caught:
        strike(number)
    assert interrupt.leave(caught.value) == 128 + number
    strike(number)  # is ignored from now on


def test_the_first_ctrl_c_asks_and_the_second_does_not(listens, capfd):
    with interrupt.patient():
        strike()
        assert "what is being computed is finished first" in capfd.readouterr().err
        assert interrupt.is_asked()
        with pytest.raises(Interrupted):
            strike()
    with pytest.raises(Interrupted):
        interrupt.check()


def test_only_ctrl_c_asks(listens):
    with interrupt.patient(), pytest.raises(Interrupted):
        strike(signal.SIGTERM)


def test_what_is_written_is_finished(listens):
    done = []

    def write():
        with interrupt.shielded():
            strike(signal.SIGTERM)
            done.append(1)

    with pytest.raises(Interrupted) as caught:
        write()
    assert (done, caught.value.number) == ([1], signal.SIGTERM)


def test_code_that_swallows_it_is_ended_at_the_next_stage(listens, capfd):
    class Late:
        def __del__(self):
            strike(signal.SIGTERM)

    late = Late()
    del late
    gc.collect()
    assert capfd.readouterr().err == ""  # not "Exception ignored in"
    with pytest.raises(Interrupted) as caught:
        interrupt.check()
    assert caught.value.number == signal.SIGTERM


def test_a_process_that_ignores_them_goes_on_doing_so():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interrupt.listening():
        strike(signal.SIGHUP)
        assert not interrupt.is_asked()
    signal.signal(signal.SIGHUP, before)


def test_a_forked_process_is_as_before(listens):
    pid = os.fork()
    if not pid:
        os._exit(int(signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL))
    assert os.waitpid(pid, 0)[1] == 0
