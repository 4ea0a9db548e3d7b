"""Spares sqlfluff what it does again for each file or each rule. What it finds stays as it is.

It is part of the library because sqlfluff loads that in each of its processes, before it looks at a file.
"""

import gc
from typing import Any

from jinja2 import Environment
from sqlfluff.utils.reflow.sequence import ReflowSequence


def make_lean() -> None:
    """Do it once per process; sqlfluff loads the library again for each file."""
    if getattr(Environment, "is_lean", False):
        return
    Environment.is_lean = True  # type: ignore[attr-defined]
    keep_templates()
    keep_sequences()
    # Trees of segments die seldom: look for dead ones less often than after each 700 new objects.
    gc.freeze()
    gc.set_threshold(200_000, 20, 50)


def keep_templates() -> None:
    """Compile a text of Jinja once: all macros are loaded again for each file."""
    compile_text = Environment.compile
    kept: dict[Any, Any] = {}

    def compile_once(environment: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        key = type(environment), source, arguments, tuple(sorted(options.items()))
        if key not in kept:
            kept[key] = compile_text(environment, source, *arguments, **options)
        return kept[key]

    Environment.compile = compile_once  # type: ignore[method-assign,assignment]


def keep_sequences() -> None:
    """Make the sequence of a file once: four rules of the layout (LT01, LT02, LT05, LT14) each begin with it."""
    from_root = ReflowSequence.from_root.__func__  # type: ignore[attr-defined]
    last: list[Any] = [None, None, None]

    def from_root_once(cls: Any, root_segment: Any, config: Any) -> Any:
        if last[0] is not root_segment or last[1] is not config:
            last[:] = root_segment, config, from_root(cls, root_segment, config)
        kept = last[2]
        return cls([*kept.elements], kept.root_segment, kept.reflow_config, kept.depth_map)

    ReflowSequence.from_root = classmethod(from_root_once)  # type: ignore[assignment]
