"""How many independent images the images of a sample are worth, when those of a case are alike."""

import numpy as np
from jaxtyping import Int
from scipy.special import stdtrit

from xaiaudit.metrics.cases import case_sums
from xaiaudit.types import Flags, Vector

SMALL = 1e-5  # a level; one-sided p-values near 0.5 ask for levels down to 1e-12


def effective_images(
    values: Flags | Vector, index: Int[np.ndarray, "n"], count: int, independent: float, level: float
) -> float:
    """n/deff: the number of independent images whose mean is as uncertain as that of these.

    deff is the variance of the mean between cases over its variance between independent images. The variance
    between cases is itself uncertain where there are few cases, or where few of them hold all the hits: Student's t
    with its degrees of freedom asks for fewer images. These are count - 1, or fewer by the spread of the squared
    deviations of the cases, 2 (sum of squares)^2 / sum (square - mean square)^2: about two for each case with a hit
    where hits are rare. Without that, a single flip would give a tighter bound than none.

    The result never leaves the range between n^2 / sum of squared case sizes (the images of a case all tell the
    same) and n (they are independent). Where all images agree no variance can be seen, and it is the number of
    cases: none of 10 images of one case is none of 1.

    Args:
        values: (n,) of the images.
        index: (n,) case of each image, 0 to count - 1, every case with an image.
        count: cases.
        independent: variance of one image's value, were images independent; at least that of `values`.
        level: two-sided, of the interval that is to be made.

    Source: Korn & Graubard 1998, Survey Methodology 24:193-201 (n/deff and t); Satterthwaite 1946, Biometrics
    Bulletin 2:110-114 (degrees of freedom from the variance of a variance).
    """
    n = len(values)
    if (values == values[0]).all() or count == 1:
        return float(count)
    sizes = np.bincount(index, minlength=count)
    squares = (case_sums(values.astype(float), index, count) - values.mean() * sizes) ** 2
    between = float(squares.sum())
    if between < 1e-20 * n:  # every case has the same mixture: nothing speaks against independence
        return float(n)
    variance = count / (count - 1) * between / n**2
    fewest = n**2 / float((sizes**2).sum())
    few_cases = (_t(float(n - 1), level) / _t(_freedom(squares), level)) ** 2
    return float(np.clip(independent / variance * few_cases, fewest, n))


def _freedom(squares: Vector) -> float:
    """Degrees of freedom of the sum of squared deviations of the cases, 1 to cases - 1."""
    spread = float(((squares - squares.mean()) ** 2).sum())
    most = len(squares) - 1
    return float(most if spread == 0 else np.clip(2 * squares.sum() ** 2 / spread, 1, most))


def _t(freedom: float, level: float) -> float:
    """Student's quantile, for a ratio of two: that is constant at small levels, where `stdtrit` gives 0 for 4 and 6."""
    return float(stdtrit(freedom, (1 + max(level, SMALL)) / 2))
