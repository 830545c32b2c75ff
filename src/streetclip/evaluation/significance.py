"""Whether a difference could be chance: p-values of paired photographs, and of many tests."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64, Int64
from scipy.stats import binom

SIGNIFICANT = 0.05


def mid_p(gains: Int64[np.ndarray, " k"]) -> float:
    """The two-sided mid-p value of McNemar's test, for photographs or for clusters of them.

    Without a difference between two models, it is a matter of chance which of them is right where
    only one is: each gain may as well be a loss. The distribution of the sum under all these
    choices is computed exactly, so there is no number of pairs from which an approximation
    begins. Clusters are turned as a whole, because their photographs are not independent.

    The mid-p value counts what was observed by half. The plain exact test is conservative (it
    rejects far less often than it says), and the one with a chi-square rejects too often when few
    pairs are discordant; mid-p did not exceed its level in any of 9,595 situations.

    Args:
        gains: For each photograph, or each cluster: on how many photographs only the second model
            is right, less those on which only the first is.

    Returns:
        0 to 1; 1 where nothing differs.

    Source: McNemar, Psychometrika 12, 1947; the choice of mid-p: Fagerland, Lydersen, Laake, BMC
        Medical Research Methodology 13:91, 2013.

    Example:
        >>> import numpy as np
        >>> round(mid_p(np.array([1, 1, 1, 1, 1, -1, 0, 0])), 6)
        0.125
    """
    sizes, counts = np.unique(np.abs(gains[gains != 0]), return_counts=True)
    chance = np.ones(1)
    for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
        share = np.zeros(size * count + 1)
        share[::size] = binom.pmf(np.arange(count + 1), count, 0.5)
        chance = np.convolve(chance, share)
    gained = int(gains[gains > 0].sum())
    fewer = min(gained, len(chance) - 1 - gained)
    return float(min(2 * chance[:fewer].sum() + chance[fewer], 1.0))


def bootstrap_p(drawn: Float64[np.ndarray, " r"], *, differing: int) -> float:
    """The two-sided p-value of a difference, from its resamples: the level whose interval meets 0.

    Args:
        drawn: The difference in each resample.
        differing: Photographs, or clusters, on which the two models differ. A few of them cannot
            prove anything, however alike they are: no p-value is below the share of the two
            outcomes in which all of them speak for the same model.

    Returns:
        0 to 1; not below ``2 / (r + 1)``, because r resamples cannot show less.

    Source: Davison and Hinkley, Bootstrap Methods and their Application, 1997, for adding 1.

    Example:
        >>> import numpy as np
        >>> round(bootstrap_p(np.linspace(-1.0, 9.0, 999), differing=50), 2)
        0.2
        >>> bootstrap_p(np.linspace(1.0, 9.0, 999), differing=3)
        0.25
    """
    known = drawn[~np.isnan(drawn)]
    below, above = np.count_nonzero(known <= 0), np.count_nonzero(known >= 0)
    share = 2 * (1 + min(below, above)) / (1 + len(known))
    return float(min(max(share, 2.0 ** (1 - differing)), 1.0))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values of a family of tests, adjusted so that any false finding among them is as rare.

    Args:
        p_values: Of all tests of the family.

    Returns:
        Adjusted values in the same order: where one is at most 0.05, its test stands out of the
        family at this level. It holds however the tests depend on each other.

    Source: Holm, Scandinavian Journal of Statistics 6, 1979.

    Example:
        >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]
