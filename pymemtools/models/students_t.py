"""Student's t."""

from __future__ import annotations

LEAST_FREEDOM = 4  # degrees; of fewer the formula below gives too little
# Of the normal distribution, by the share of what lies below.
NORMAL = {0.975: 1.959964, 0.99: 2.326348, 0.995: 2.575829}


def student_quantile(share: float, freedom: int) -> float:
    """Give the value that t exceeds in 1 - share of cases (Abramowitz and Stegun, 26.7.5), good from 4 degrees on.

    >>> round(student_quantile(0.975, 18), 3), round(student_quantile(0.995, 5), 2)
    (2.101, 4.03)
    """
    z, n = NORMAL[share], freedom
    return (
        z
        + (z**3 + z) / (4 * n)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * n**4)
    )
