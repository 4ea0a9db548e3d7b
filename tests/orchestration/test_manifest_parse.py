"""Several processes may ask for the dbt manifest at once: one parses, and nobody reads half a file."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

ASK = """
from orchestration.calculation.manifest import MANIFEST, ensure_manifest, read_manifest

print("ready", flush=True)
input()
print(ensure_manifest(), len(read_manifest()["nodes"]), MANIFEST.is_relative_to({root!r}))
"""


def start(root: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", ASK.format(root=str(root))]
    return subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_of_several_processes_one_parses_and_all_read_the_same(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("target", "logs", "__pycache__", "sample")
    for folder in ("dbt_project", "ingestion", "orchestration", "seeds"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    asking = [start(tmp_path) for _ in range(4)]
    for process in asking:
        assert process.stdout and process.stdout.readline() == "ready\n"
    # Each one starts at once; the last begins while dbt may be writing.
    said = []
    for process in asking:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in asking:
        said.append(process.communicate(timeout=120)[0].split())
        assert process.returncode == 0
    assert sorted(parsed for parsed, _, _ in said) == ["False", "False", "False", "True"]
    assert len({nodes for _, nodes, _ in said}) == 1 and int(said[0][1]) > 100
    assert {inside for _, _, inside in said} == {"True"}
    built = tmp_path / "dbt_project" / "target"
    assert {path.name for path in built.iterdir()} == {"parsed"}
    assert {path.name for path in (built / "parsed").iterdir()} == {
        "manifest.json",
        "parse.lock",
        "partial_parse.msgpack",
        "project.sha256",
        "semantic_manifest.json",
    }
