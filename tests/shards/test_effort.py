from streetclip.shards.effort import Effort


def test_pauses_double_up_to_a_limit_and_leave_half_to_chance() -> None:
    effort = Effort(pause_s=1.0, longest_pause_s=5.0)
    for failures, longest in ((1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (2000, 5.0)):
        pauses = [effort.pause_after(failures) for _ in range(200)]
        assert longest / 2 <= min(pauses) < max(pauses) <= longest


def test_a_server_may_ask_for_a_longer_pause_but_not_for_any() -> None:
    effort = Effort(pause_s=1.0, longest_pause_s=5.0)
    assert effort.pause_after(1, asked_s=3.0) == 3.0
    assert effort.pause_after(1, asked_s=3600.0) == 5.0
