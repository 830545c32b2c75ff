"""Decoded positions become names and coordinates."""

from collections.abc import Callable

import torch

from streetclip.geo.gazetteer import Gazetteer
from streetclip.zeroshot.answers import predictions
from streetclip.zeroshot.bank import TextBank
from streetclip.zeroshot.candidates import build_candidates
from streetclip.zeroshot.hierarchy import decode
from streetclip.zeroshot.protocol import Protocol


def test_a_prediction_names_the_place_and_the_other_countries(
    small_protocol: Callable[..., Protocol],
    towns: Gazetteer,
) -> None:
    candidates = build_candidates(small_protocol(), gazetteer=towns)
    bank = TextBank(torch.eye(8)[:3], torch.eye(8)[:7], prompts=0)
    looks_like_singapore = torch.eye(8)[1:2]
    decoded = decode(looks_like_singapore, bank, candidates, logit_scale=10.0, top_k=2)
    (answer,) = predictions(["a.jpg"], decoded, candidates)
    assert (answer.key, answer.country, answer.city) == ("a.jpg", "SG", "Singapore")
    assert answer.region is None
    assert (answer.latitude, answer.longitude) == (1.29, 103.85)
    assert answer.city_probability == 1.0
    assert [code for code, _ in answer.alternatives] == ["FR"]
    assert answer.country_probability > 0.99 > answer.alternatives[0][1]
