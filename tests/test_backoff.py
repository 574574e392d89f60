from __future__ import annotations

import pytest

from mvc.backoff import Backoff

STEADY = Backoff(attempts=5, first=0.5, longest=3.0, jitter=False)


class _BusyError(Exception):
    """An answer that may be better next time; its argument is the delay that the server asks for, None for never."""


def _asked(error: Exception) -> float | None:
    seconds: float | None = error.args[0]
    return seconds


class _Server:
    """Answers with these errors, one after the other, and then with its number of calls."""

    def __init__(self, *answers: float | None) -> None:
        self.answers = list(answers)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.answers:
            raise _BusyError(self.answers.pop(0))
        return self.calls


def test_delays_double_up_to_the_longest() -> None:
    waited: list[float] = []
    assert STEADY.run(_Server(0.0, 0.0, 0.0, 0.0), _asked, waited.append) == 5
    assert waited == [0.5, 1.0, 2.0, 3.0]


def test_the_last_attempts_error_is_raised() -> None:
    server, waited = _Server(0.0, 0.0, 0.0, 0.0, 7.0), list[float]()
    with pytest.raises(_BusyError) as raised:
        STEADY.run(server, _asked, waited.append)
    assert (raised.value.args, server.calls, len(waited)) == ((7.0,), 5, 4)


def test_an_error_that_must_not_be_retried_is_raised_at_once() -> None:
    server, waited = _Server(None), list[float]()
    with pytest.raises(_BusyError):
        STEADY.run(server, _asked, waited.append)
    assert (server.calls, waited) == (1, [])


def test_a_server_that_names_a_delay_gets_it() -> None:
    waited: list[float] = []
    STEADY.run(_Server(20.0, 0.1), _asked, waited.append)
    assert waited == [20.0, 1.0]


def test_a_call_waits_no_longer_than_the_total() -> None:
    server, waited = _Server(6.0, 6.0), list[float]()
    with pytest.raises(_BusyError):
        Backoff(attempts=5, first=0.5, longest=3.0, total=10.0).run(server, _asked, waited.append)
    assert (server.calls, waited) == (2, [6.0])


def test_jitter_spreads_the_delays_below_the_bound() -> None:
    delays = [Backoff(attempts=2, first=0.5, longest=3.0).delay(2) for _ in range(50)]
    assert all(0 <= delay <= 1.0 for delay in delays)
    assert len(set(delays)) > 1
