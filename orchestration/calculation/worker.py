"""dbt in a process of its own that stays alive: it imports dbt and parses the project once, and builds as often as asked.

Started by `orchestration.calculation.dbt_process`, never by hand. Requests and answers are lines of JSON: one request is
answered by any number of events and one last line with `done`. The process ends when its parent does.

`parse`: parse the project. `build`: run a command of dbt on a warehouse. Both name what they need in the request, so that one
process serves any number of homes.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from orchestration.calculation.lean_dbt import (
    builds_no_test,
    keep_compiled,
    keep_templates,
    silence_events,
    without_tests,
)

# While dbt parses, the profile names this file: a parse must not depend on a home, or none could be used for another.
# Its stem is the name of the database in all SQL.
PARSED_WAREHOUSE = "warehouse.duckdb"
QUIET = (
    *("--no-use-colors", "--quiet", "--no-print", "--no-write-json"),
    *("--log-level", "none", "--log-level-file", "none"),
)
FINISHED = "NodeFinished"

Send = Callable[[Mapping[str, Any]], None]


class Worker:
    """Answers requests one after the other; keeps the last manifest by the vars it was parsed with."""

    def __init__(self) -> None:
        from dbt.cli.main import dbtRunner

        silence_events({FINISHED})
        keep_templates()
        keep_compiled()
        self._runner = dbtRunner
        self._manifests: dict[str, Any] = {}
        self._lean: dict[str, Any] = {}

    def answer(self, request: Mapping[str, Any], send: Send) -> dict[str, Any]:
        """Do what the request says. Returns the last line of the answer."""
        os.environ.update(request.get("env", {}))
        for name in request.get("unset", ()):
            os.environ.pop(name, None)
        if request["command"] == "parse":
            return self._parse(request)
        return self._build(request, send)

    def _parse(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Parse into the folder `target`, where a partial parse may lie; `json`: write manifest.json there too."""
        os.environ["COMMISSIONS_WAREHOUSE"] = PARSED_WAREHOUSE
        self._forget_adapter()
        arguments = [*QUIET, "parse", *_places(request)]
        if request["json"]:
            arguments.remove("--no-write-json")
        if request.get("vars"):
            arguments += ["--vars", json.dumps(request["vars"])]
        done = self._runner().invoke(arguments)
        if not done.success:
            return {"done": True, "ok": False, "error": _said(done)}
        self._manifests[request["key"]] = done.result
        self._lean[request["key"]] = without_tests(done.result)
        return {"done": True, "ok": True}

    def _build(self, request: Mapping[str, Any], send: Send) -> dict[str, Any]:
        """Run dbt's command with its arguments on the warehouse; each finished node is sent as it finishes."""
        os.environ["COMMISSIONS_WAREHOUSE"] = request["warehouse"]
        self._forget_adapter()
        manifests = self._lean if builds_no_test(request["arguments"]) else self._manifests
        manifest = manifests[request["key"]]
        for node in manifest.nodes.values():
            if node.resource_type == "seed":
                node.original_file_path = f"{request['seeds']}/{node.path}"

        def tell(event: Any) -> None:
            if event.info.name == FINISHED:
                info = event.data.node_info
                seconds = event.data.run_result.execution_time
                send({"node": info.unique_id, "status": info.node_status, "seconds": seconds})

        arguments = [*QUIET, *request["arguments"], *_places(request), "--log-path", request["target"]]
        if request.get("vars"):
            arguments += ["--vars", json.dumps(request["vars"])]
        try:
            done = self._runner(manifest=manifest, callbacks=[tell]).invoke(arguments)
        finally:
            self._forget_adapter()
        results = [
            {
                "unique_id": result.node.unique_id,
                "status": str(result.status),
                "message": result.message,
                "failures": result.failures,
                "execution_time": result.execution_time,
                "compiled_code": getattr(result.node, "compiled_code", None)
                if request.get("compiled")
                else None,
            }
            for result in getattr(done.result, "results", None) or ()
        ]
        return {
            "done": True,
            "ok": done.success,
            "error": _said(done) if done.exception else "",
            "results": results,
        }

    @staticmethod
    def _forget_adapter() -> None:
        """Let go of the warehouse file, and of the settings of the last one."""
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.adapters.factory import cleanup_connections, reset_adapters

        cleanup_connections()
        environment = DuckDBConnectionManager._ENV
        if environment is not None:
            environment.close()
        DuckDBConnectionManager.close_all_connections()
        reset_adapters()


def _places(request: Mapping[str, Any]) -> list[str]:
    project = request["project"]
    return ["--project-dir", project, "--profiles-dir", project, "--target-path", request["target"]]


def _said(done: Any) -> str:
    return str(done.exception or "").strip() or "dbt gave no reason"


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer the lines of ``requests`` until they end. A parent that dies closes them, and this process ends at once."""
    lines: queue.Queue[str] = queue.Queue()
    lock = threading.Lock()

    def read() -> None:
        for line in requests:
            lines.put(line)
        os._exit(0)

    def send(message: Mapping[str, Any]) -> None:
        with lock:
            answers.write(json.dumps(message, default=str) + "\n")
            answers.flush()

    threading.Thread(target=read, daemon=True).start()
    worker = Worker()
    while True:
        request = json.loads(lines.get())
        try:
            send(worker.answer(request, send))
        except Exception:
            send({"done": True, "ok": False, "error": traceback.format_exc(), "results": []})


def main() -> None:
    """Serve on the standard streams; what dbt prints goes to the error stream, where the parent keeps a log."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.chdir(Path(sys.argv[1]))
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()
