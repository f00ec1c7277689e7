"""A gauge of free memory against its watermarks, in characters."""


def watermark_gauge(free: int, low_marks: tuple[int, int, int], columns: int = 20) -> str:
    """Draw free memory from nothing to twice the high watermark, with ``m``, ``l`` and ``h`` where the marks are.

    >>> watermark_gauge(700, (400, 500, 600), 12)
    '####mlh.....'
    >>> watermark_gauge(5000, (400, 500, 600), 12)
    '####mlh#####'
    """
    whole = 2 * low_marks[2]
    if whole <= 0:
        return "." * columns
    cells = ["#" if free * columns >= (place + 1) * whole else "." for place in range(columns)]
    for letter, mark in zip("mlh", low_marks):
        cells[min(mark * columns // whole, columns - 1)] = letter
    return "".join(cells)
