"""Pages allow what they hold, and nothing else."""

import base64
import hashlib
import re

import pytest
from jinja2 import UndefinedError

from streetclip.report.html import kilometers, percent, render

EMPTY = {"heading": "x"}


def test_the_policy_names_the_digest_of_the_style_and_of_the_script() -> None:
    page = render("base.html.j2", EMPTY)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = policy[1].replace("&#39;", "'")
    for tag in ("style", "script"):
        body = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert body is not None
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in rules
    assert rules.startswith("default-src 'none';")
    assert "img-src data:" in rules
    assert "unsafe" not in rules


def test_a_template_that_misses_a_value_fails() -> None:
    with pytest.raises(UndefinedError, match="is undefined"):
        render("page.html.j2", {})


@pytest.mark.parametrize(
    ("shown", "text"), [(percent(0.5), "50.0 %"), (percent(None), "-"), (kilometers(None), "-")]
)
def test_what_is_unknown_is_a_dash(shown: str, text: str) -> None:
    assert shown == text
