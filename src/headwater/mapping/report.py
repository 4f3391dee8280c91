"""The report: one page of HTML that shows what a mapping did, and needs nothing but itself."""

from __future__ import annotations

import html
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Any

from headwater.mapping.report_data import LIMITS, Limits, report_data
from headwater.mapping.report_steps import History

_SCRIPTS = ("data.js", "layout.js", "timeline.js", "story.js", "tables.js", "page.js")


def report_page(
    history: History,
    *,
    title: str,
    settings: Mapping[str, Any] | None = None,
    values: bool = False,
    limits: Limits = LIMITS,
) -> str:
    """Write a page that shows what a mapping did.

    It is complete in itself: it loads nothing, and its content security policy lets a browser load nothing. An item is
    shown by its key alone. What a function said when it failed is shown as it is.

    Args:
        history: What the mapping did.
        title: The page's heading: what was mapped to what.
        settings: The mapping's settings, by name.
        values: Whether records are shown with the values of their items, which may be private.
        limits: How much is shown of a long history.

    Returns:
        The page, to be written as UTF-8.
    """
    data = report_data(history, values=values, limits=limits)
    shown = {name: _setting(value) for name, value in (settings or {}).items()}
    style = _part("report.css")
    script = "\n".join(map(_part, _SCRIPTS))
    parts = {
        "policy": _policy(style, script),
        "title": html.escape(title),
        "style": style,
        "data": _embedded({**data, "settings": shown}),
        "script": script,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _part("report.html"))


def _part(name: str) -> str:
    return files("headwater.mapping").joinpath("page", name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing may be loaded, and nothing runs but these two, told by their hashes."""
    return (
        f"default-src 'none'; img-src data:; style-src {_hashed(style)}; script-src {_hashed(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hashed(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _setting(value: Any) -> str:
    """A setting as it is written: `true`, `10`, `none`, or texts one after the other."""
    if value is None or value in ((), []):
        return "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(_setting, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _embedded(data: Any) -> str:
    """JSON that no HTML parser takes for markup, whatever is in it: it can not end the script it is in."""
    text = json.dumps(data, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
