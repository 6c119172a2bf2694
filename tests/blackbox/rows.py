"""The rows of the feature list that this release owes, and the decorator that names them."""


def _span(prefix, first, last, without=()):
    return [f"{prefix}-{n:02d}" for n in range(first, last + 1) if n not in without]


OWED = (
    _span("WM", 1, 21)
    + ["NT-01", "NT-02", "NT-03", "NT-12", "NT-14"] + _span("NT", 19, 25) + _span("NT", 30, 33)
    + _span("EN", 1, 43) + ["EN-45"]
    + _span("AP", 1, 10)
    + ["RT-01", "RT-02", "RT-04", "RT-06", "RT-07", "RT-09"]
    + ["SK-01", "SK-03", "SK-04", "SK-12"]
    + ["SE-01", "SE-02", "SE-09", "SE-11", "SE-12"]
    + ["MO-01", "MO-02", "MO-03"]
    + _span("OP", 1, 13)
    + _span("DA", 1, 6) + ["DA-08", "BY-04", "BY-13"]
)


def rows(*names):
    """Says which rows a test proves. A row passes when every test that names it passes."""
    unknown = [name for name in names if name not in OWED]
    assert not unknown, f"rows that are not owed: {unknown}"

    def mark(function):
        function.rows = names
        return function

    return mark
