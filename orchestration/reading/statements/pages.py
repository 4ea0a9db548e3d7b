"""The pages as text: the same marts give the same bytes. Names and reasons are anybody's text and are escaped."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.reading.equations import grouped
from orchestration.reading.statements import wording
from orchestration.reading.statements.drawing import draw

Row = dict[str, Any]
TEMPLATES = Path(__file__).parent / "templates"
# More lines than these are folded behind their sum.
LINES_SHOWN = 12


def environment() -> Environment:
    """Jinja with escaping on for every value, and an error for every name that is not there."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {
        "month": wording.month,
        "day": wording.day,
        "last_day": wording.last_day,
        "tidy": wording.tidy,
        "grouped": grouped,
        "exact": wording.exact,
        "rounded": wording.rounded,
        "percent": wording.percent,
        "about": wording.about,
        "short": wording.short,
    }
    made.globals |= {
        "tier_rate": wording.tier_rate,
        "draw": draw,
        "page": page_link,
        "SECTIONS": wording.SECTIONS,
        "AMOUNTS": wording.AMOUNTS,
        "EVENTS": wording.EVENTS,
        "CREDIT_TYPES": wording.CREDIT_TYPES,
        "STATES": wording.STATES,
        "NEXT_TIER": wording.NEXT_TIER,
        "LINES_SHOWN": LINES_SHOWN,
    }
    return made


def page_name(kind: str, person_id: str) -> str:
    """The file of a person's page; an id may hold any character, a file name may not."""
    return f"{kind}-{quote(person_id, safe='')}.html"


def page_link(kind: str, person_id: str) -> str:
    """The address of that file from a page beside it."""
    return quote(page_name(kind, person_id))


def render(template: str, **values: Any) -> bytes:
    """A page as UTF-8 with Unix line ends."""
    return environment().get_template(f"{template}.html.j2").render(**values).encode("utf-8")
