"""Templates become one HTML file that asks no network and runs no script but its own."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from streetclip.report.tables import format_interval, format_value

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, values: Mapping[str, Any]) -> str:
    """Fill a template; every value is escaped, whatever it holds.

    A template that extends ``base.html.j2`` gets the style, the script, and a policy by which a
    browser takes nothing else: no network, no other script, pictures from ``data:`` only.

    Args:
        template: File name in the folder of templates.
        values: What the template names.

    Returns:
        The page.
    """
    style, script = (_text(name) for name in ("style.css", "sort.js"))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_digest(style)}'",
            f"script-src '{_digest(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    # Both are files of this package; a browser compares them with the digests of the policy.
    own = {"policy": policy, "style": Markup(style), "script": Markup(script)}  # noqa: S704
    return _environment().get_template(template).render({**values, **own})


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": "{:,}".format,
        "percent": percent,
        "kilometers": kilometers,
        "position": "{:.1f}".format,
    }
    environment.globals |= {"format_value": format_value, "format_interval": format_interval}
    return environment


def percent(share: float | None) -> str:
    """A share as it is printed, or a dash.

    Args:
        share: 0 to 1.

    Example:
        >>> percent(0.2834), percent(None)
        ('28.3 %', '-')
    """
    return "-" if share is None else f"{100 * share:.1f} %"


def kilometers(distance_km: float | None) -> str:
    """A distance as it is printed, or a dash.

    Args:
        distance_km: Kilometers.

    Example:
        >>> kilometers(3.14), kilometers(1234.5), kilometers(None)
        ('3.1 km', '1,234 km', '-')
    """
    return "-" if distance_km is None else format_value("median_km", distance_km)


@cache
def _text(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
