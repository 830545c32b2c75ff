"""The stages of the question: scores of countries, then of regions and cities within one."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import Candidates


@dataclass(frozen=True)
class Stages:
    """What some photographs score for the places of a protocol.

    Args:
        features: Of the photographs, of length 1, fp32.
        bank: Features of the candidates' prompts, on the same device.
        candidates: The places.
        scale: What cosines are multiplied with before a softmax.
    """

    features: Float[Tensor, "n d"]
    bank: TextBank
    candidates: Candidates
    scale: float

    @cached_property
    def country_scores(self) -> Float[Tensor, "n c"]:
        """Of every country; equal prompts have equal scores."""
        scores = self._scores(self._scaled, self.bank.country_features)
        return _shared(scores, self.candidates.first_equal_country)

    @cached_property
    def country_log_probability(self) -> Float[Tensor, "n c"]:
        """Log-softmax over the countries."""
        return self.country_scores.log_softmax(dim=-1)

    def city_scores(self, country: int, rows: Int64[Tensor, " r"]) -> Float[Tensor, "r b"]:
        """Of the cities of one country; equal prompts have equal scores.

        Args:
            country: Position of the country.
            rows: Photographs.
        """
        block = self.candidates.blocks[country]
        images = self._scaled.index_select(0, rows)
        scores = self._scores(images, self.bank.city_features[block])
        return _shared(scores, self.candidates.first_equal[block] - block.start)

    def best_city(
        self, country: int, rows: Int64[Tensor, " r"]
    ) -> tuple[Int64[Tensor, " r"], Float[Tensor, " r"]]:
        """The best city of one country, and its log-probability there.

        Where there is a region stage, the greedy rule takes the best region first, and the others
        the city with the largest product of both.

        Args:
            country: Position of the country.
            rows: Photographs.

        Returns:
            Positions among all cities, and log-probabilities.
        """
        scores = self.city_scores(country, rows)
        log_probability = self._within_country(country, rows, scores)
        if self.bank.region_features is None:
            # Ranked by score: probabilities of close scores can be equal after rounding.
            best = scores.argmax(dim=-1)
        elif self.candidates.rule.kind == "greedy":
            region = self._region_scores(country, rows).argmax(dim=-1)
            outside = self._region_of(country)[None, :] != region[:, None]
            best = scores.masked_fill(outside, -torch.inf).argmax(dim=-1)
        else:
            best = log_probability.argmax(dim=-1)
        start = self.candidates.blocks[country].start
        return start + best, log_probability.gather(1, best[:, None]).squeeze(1)

    def city_log_probability(self, country: int, rows: Int64[Tensor, " r"]) -> Float[Tensor, "r b"]:
        """The log-probability of each city of a country, if it is this country.

        Args:
            country: Position of the country.
            rows: Photographs.
        """
        return self._within_country(country, rows, self.city_scores(country, rows))

    def _within_country(
        self, country: int, rows: Int64[Tensor, " r"], scores: Float[Tensor, "r b"]
    ) -> Float[Tensor, "r b"]:
        """Log-probabilities of cities, the product of both stages where regions are asked."""
        if self.bank.region_features is None:
            return scores.log_softmax(dim=-1)
        regions = self._region_scores(country, rows)
        member = self._region_of(country)
        mass = log_sum_by(scores, member, regions.shape[1])
        return (regions.log_softmax(dim=-1) - mass)[:, member] + scores

    def _region_scores(self, country: int, rows: Int64[Tensor, " r"]) -> Float[Tensor, "r g"]:
        assert self.bank.region_features is not None
        block = self.candidates.region_blocks[country]
        images = self._scaled.index_select(0, rows)
        return self._scores(images, self.bank.region_features[block])

    def _region_of(self, country: int) -> Int64[Tensor, " b"]:
        """Position of each city's region within those of the country."""
        regions = self.candidates.region_index[self.candidates.blocks[country]]
        start = self.candidates.region_blocks[country].start
        return torch.from_numpy(regions - start).to(self.features.device)

    @cached_property
    def _scaled(self) -> Float[Tensor, "n d"]:
        """The photographs' side of every product, made once and not for each country anew."""
        if not self.candidates.rule.half_precision:
            return self.scale * self.features
        return (self.scale * self.features.half().double()).half().double()

    def _scores(
        self, scaled: Float[Tensor, "r d"], places: Float[Tensor, "k d"]
    ) -> Float[Tensor, "r k"]:
        if not self.candidates.rule.half_precision:
            return scaled @ places.T
        # The products of fp16 numbers are summed in fp64, so that only the roundings to fp16 that
        # the rule names remain, and an answer does not depend on the order of a sum.
        return (scaled @ places.half().double().T).half().float()


def log_sum_by(
    scores: Float[Tensor, "r k"], member: Int64[Tensor, " k"], groups: int
) -> Float[Tensor, "r g"]:
    """The logarithm of the sum of the exponentials of each group's scores.

    Args:
        scores: Of k places.
        member: The group of each place.
        groups: How many groups there are.

    Returns:
        Minus infinity for a group without a place; of a single score exactly that score.

    Example:
        >>> log_sum_by(torch.tensor([[1.0, 5.0, 1.0]]), torch.tensor([0, 1, 0]), 2)
        tensor([[1.6931, 5.0000]])
    """
    index = member.expand_as(scores)
    lowest = scores.new_full((len(scores), groups), -torch.inf)
    highest = lowest.scatter_reduce(1, index, scores, "amax")
    shares = (scores - highest.gather(1, index)).exp()
    mass = torch.zeros_like(highest).scatter_add_(1, index, shares)
    return highest + mass.log()


def _shared(scores: Float[Tensor, "r k"], first: Int64[np.ndarray, " k"]) -> Float[Tensor, "r k"]:
    """Scores in which equal prompts have that of the first of them."""
    if (first == np.arange(len(first))).all():
        return scores
    return scores[:, torch.from_numpy(first).to(scores.device)]
