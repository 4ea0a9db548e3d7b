"""Removes from dbt, in the process that only builds, work that costs much and has no use there.

- dbt builds a protobuf message for each of about forty events per node, even where no log and no listener wants one: a fifth of
  its time.
- `dbt build` puts an edge between each test and everything behind it into its graph, though no test is built here (the data
  tests of a run are run on the finished copy, `checks`): more than a second per invocation.
- dbt prepares all its macros twice per node, 600 of them for snapshots, incremental models and other databases' needs: another
  quarter.
- dbt renders each model again in every build, and compiles the text of each model and macro to Python for it: a third of its
  time in every build after the first.

What dbt builds, and how, stays as it is.
"""

from __future__ import annotations

import inspect
import itertools
import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

TESTS = ("test", "unit_test")
# The var that names the models whose columns need no second comparison: no model reads it.
BOUND = "bound_models"
# What makes SQL depend on more than the project and its vars.
ASKS = re.compile(
    r"run_query|statement\(|load_result|adapter\.(?!dispatch)|env_var|invocation_id|run_started_at|\bthis\b|modules\.datetime"
)


def silence_events(heard: Collection[str]) -> None:
    """From now on only the events named in ``heard``, warnings and errors are fired; a message is made when it is looked at."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager

    quiet = (EventLevel.TEST, EventLevel.DEBUG, EventLevel.INFO)
    make, get, put, fire = (
        BaseEvent.__init__,
        BaseEvent.__getattr__,
        BaseEvent.__setattr__,
        EventManager.fire_event,
    )

    def remember(event: Any, *arguments: Any, **fields: Any) -> None:
        event.__dict__["_given"] = arguments, fields

    def make_once(event: Any) -> None:
        if "pb_msg" not in event.__dict__ and "_given" in event.__dict__:
            arguments, fields = event.__dict__.pop("_given")
            make(event, *arguments, **fields)

    def get_made(event: Any, name: str) -> Any:
        make_once(event)
        return event.__dict__[name] if name in event.__dict__ else get(event, name)

    def put_made(event: Any, name: str, value: Any) -> None:
        if name != "pb_msg":
            make_once(event)
        put(event, name, value)

    def fire_heard(manager: Any, e: Any, level: Any = None, *arguments: Any, **options: Any) -> None:
        if type(e).__name__ in heard or (level or e.level_tag()) not in quiet:
            fire(manager, e, level, *arguments, **options)

    BaseEvent.__init__ = remember  # type: ignore[method-assign,assignment]
    BaseEvent.__getattr__ = get_made  # type: ignore[method-assign,assignment]
    BaseEvent.__setattr__ = put_made  # type: ignore[method-assign,assignment]
    EventManager.fire_event = fire_heard  # type: ignore[method-assign,assignment]


def keep_templates() -> None:
    """From now on a text of Jinja is compiled to Python once by this process: the same text gives the same code."""
    from jinja2 import Environment

    compile_text = Environment.compile
    kept: dict[tuple[Any, ...], Any] = {}

    def compile_once(environment: Any, source: Any, *arguments: Any, **options: Any) -> Any:
        if not isinstance(source, str):
            return compile_text(environment, source, *arguments, **options)
        kind = type(environment), tuple(sorted(environment.extensions))
        key = (*kind, source, arguments, tuple(sorted(options.items())))
        if key not in kept:
            kept[key] = compile_text(environment, source, *arguments, **options)
        return kept[key]

    Environment.compile = compile_once  # type: ignore[method-assign,assignment]


def keep_compiled() -> None:
    """From now on a model of a lean manifest that asks nothing of the warehouse is rendered once per set of vars."""
    from dbt.compilation import Compiler

    render = Compiler._compile_code

    def render_once(compiler: Any, node: Any, manifest: Any, extra_context: Any = None) -> Any:
        if extra_context or node.unique_id not in getattr(manifest, "rendered_alike", ()):
            return render(compiler, node, manifest, extra_context)
        values = {name: value for name, value in compiler.config.cli_vars.items() if name != BOUND}
        key = node.unique_id, json.dumps(values, sort_keys=True, default=str)
        if key in manifest.rendered:
            node.compiled_code, node.compiled = manifest.rendered[key], True
            return node
        done = render(compiler, node, manifest, extra_context)
        manifest.rendered[key] = done.compiled_code
        return done

    Compiler._compile_code = render_once  # type: ignore[method-assign,assignment]


def without_tests(manifest: Any) -> Any:
    """The manifest without its tests, over the same nodes: a change to a node there is a change to it here."""
    # Not copy.copy: dbt's way to pickle a manifest mixes its lookups up once they have been used.
    lean = object.__new__(type(manifest))
    lean.__dict__.update(manifest.__dict__)
    lean.nodes = {name: node for name, node in manifest.nodes.items() if node.resource_type != "test"}
    lean.unit_tests = {}
    lean.macros = _within_reach(lean)
    lean._macros_by_name = lean._macros_by_package = None
    lean.build_parent_and_child_maps()
    lean.rendered_alike = _rendered_alike(lean)
    lean.rendered = {}
    return lean


def _within_reach(manifest: Any) -> dict[str, Any]:
    """The macros whose names occur in what is built, in what dbt's adapter calls, or in a macro within reach.

    A name counts wherever it occurs, in a comment too: rather one macro too many than one too few, which would be an error.
    """
    from dbt.adapters.base import impl as base
    from dbt.adapters.duckdb import impl as duckdb
    from dbt.adapters.sql import impl as sql
    from dbt.task import run, seed

    materialized = {node.config.materialized for node in manifest.nodes.values()}
    start = [inspect.getsource(module) for module in (base, duckdb, sql, run, seed)]
    start += [
        f"materialization_{kind}_{adapter}" for kind in materialized for adapter in ("default", "duckdb")
    ]
    start += [node.raw_code for node in manifest.nodes.values()]
    own = {
        unique_id
        for unique_id, macro in manifest.macros.items()
        if macro.package_name == manifest.metadata.project_name
    }
    by_name = _by_name(manifest)
    reached = _reached(manifest, by_name, own | _named("\n".join(start), by_name))
    return {name: macro for name, macro in manifest.macros.items() if name in reached}


def _rendered_alike(manifest: Any) -> set[str]:
    """The models whose SQL depends on the project and the vars alone: neither they nor a macro that they name asks anything."""
    by_name = _by_name(manifest)
    asking = {unique_id for unique_id, macro in manifest.macros.items() if ASKS.search(macro.macro_sql)}
    return {
        unique_id
        for unique_id, node in manifest.nodes.items()
        if node.resource_type == "model"
        and not ASKS.search(node.raw_code)
        and not asking & _reached(manifest, by_name, _named(_in_jinja(node.raw_code), by_name))
    }


def _in_jinja(text: str) -> str:
    return "\n".join(re.findall(r"\{[{%].*?[}%]\}", text, re.DOTALL))


def _by_name(manifest: Any) -> dict[str, list[str]]:
    by_name: dict[str, list[str]] = {}
    for unique_id, macro in manifest.macros.items():
        # `default__name` is reached by `name`.
        by_name.setdefault(macro.name.rpartition("__")[2], []).append(unique_id)
        by_name.setdefault(macro.name, []).append(unique_id)
    return by_name


def _reached(manifest: Any, by_name: Mapping[str, Sequence[str]], waiting: set[str]) -> set[str]:
    reached: set[str] = set()
    while waiting:
        reached |= waiting
        text = "\n".join(manifest.macros[unique_id].macro_sql for unique_id in waiting)
        waiting = _named(text, by_name) - reached
    return reached


def _named(text: str, by_name: Mapping[str, Sequence[str]]) -> set[str]:
    return {unique_id for word in set(re.findall(r"\w+", text)) for unique_id in by_name.get(word, ())}


def builds_no_test(arguments: Sequence[str]) -> bool:
    """Whether a command of dbt has said that it builds models and seeds only."""
    excluded = {
        value for option, value in itertools.pairwise(arguments) if option == "--exclude-resource-type"
    }
    return arguments[0] == "build" and excluded.issuperset(TESTS)
