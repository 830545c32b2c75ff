"""What is not given of a training is unknown, not zero."""

from streetclip.report.card_facts import TrainingData


def test_a_set_that_is_not_at_hand_was_not_looked_at() -> None:
    data = TrainingData(digest=None, photographs=None, countries=None, towns=None)
    assert (data.looked_at, data.licences, data.sources) == (0, {}, {})
