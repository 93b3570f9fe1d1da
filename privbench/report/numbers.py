"""Numbers as tables write them."""

from __future__ import annotations

from collections.abc import Sequence


def number(value: float) -> str:
    """Return a number with three decimals and without a leading zero, as tables in papers have it.

    >>> number(0.75), number(1.0), number(-0.5)
    ('.750', '1.000', '-.500')
    """
    text = f"{value:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def interval_text(value: float | None, interval: Sequence[float] | None) -> str:
    """Return an estimate and its interval, or ``unresolved`` if there is no value.

    >>> interval_text(0.75, (0.7, 0.8)), interval_text(0.75, None), interval_text(None, None)
    ('.750 [.700 .800]', '.750', 'unresolved')
    """
    if value is None:
        return "unresolved"
    if interval is None:
        return number(value)
    return f"{number(value)} [{number(interval[0])} {number(interval[1])}]"


def half_width(value: float, interval: Sequence[float] | None) -> str:
    """Return how far an interval reaches from its estimate, on its longer side; a dash without one.

    >>> half_width(0.75, (0.7, 0.78)), half_width(0.75, None)
    ('.050', '-')
    """
    if interval is None:
        return "-"
    return number(max(value - interval[0], interval[1] - value))


def signed_interval_text(value: float, interval: Sequence[float] | None) -> str:
    """Return a difference and its interval, all with signs.

    >>> signed_interval_text(0.02, (-0.01, 0.05)), signed_interval_text(-0.02, None)
    ('+.020 [-.010 +.050]', '-.020')
    """
    if interval is None:
        return signed(value)
    return f"{signed(value)} [{signed(interval[0])} {signed(interval[1])}]"


def signed(value: float) -> str:
    """Return a number with its sign.

    >>> signed(0.02), signed(-0.02)
    ('+.020', '-.020')
    """
    return number(value) if number(value).startswith("-") else f"+{number(value)}"


def duration(seconds: float) -> str:
    """Return a time in words, with no more digits than an estimate has.

    >>> [duration(s) for s in (0.02, 7.4, 59.6, 95, 3600, 8000, 200000)]
    ['under 1 s', '7 s', '1 min', '1 min 35 s', '1 h', '2 h 13 min', '2 d 8 h']
    """
    if seconds < 1:
        return "under 1 s"
    units = [("d", 86400), ("h", 3600), ("min", 60), ("s", 1)]
    size = next(size for _, size in units if round(seconds) >= size)
    finest = {86400: 3600, 3600: 60}.get(size, 1 if round(seconds) < 600 else 60)
    left = round(seconds / finest) * finest
    parts = []
    for name, unit in units:
        count, left = divmod(left, unit)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts)


def bytes_text(count: float) -> str:
    """Return a size in words.

    >>> bytes_text(900), bytes_text(2.4e6), bytes_text(3e10)
    ('1 kB', '2.4 MB', '30 GB')
    """
    for unit, size in (("GB", 1e9), ("MB", 1e6)):
        if count >= size:
            return (
                f"{count / size:.2g} {unit}" if count < 10 * size else f"{count / size:.0f} {unit}"
            )
    return f"{max(round(count / 1e3), 1)} kB"
