"""A run that was killed while it held its place in the writer's pool does not keep the next one waiting."""

import dagster as dg
from dagster import DagsterRunStatus

from orchestration.defs.dead_runs import clear_dead_runs

POOL = "writer"


@dg.op(pool=POOL)
def write() -> None:
    pass


@dg.job
def writing() -> None:
    write()


def test_a_killed_run_gives_back_its_place_and_is_marked() -> None:
    with dg.DagsterInstance.local_temp(
        overrides={"concurrency": {"pools": {"default_limit": 1, "granularity": "op"}}}
    ) as instance:
        storage = instance.event_log_storage
        storage.initialize_concurrency_limit_to_default(POOL)
        dead = instance.create_run_for_job(writing, status=DagsterRunStatus.STARTED)
        assert storage.claim_concurrency_slot(POOL, dead.run_id, "write").is_claimed
        assert not storage.claim_concurrency_slot(POOL, "mine", "write").is_claimed
        assert clear_dead_runs(instance, "mine") == [dead.run_id]
        assert instance.get_run_by_id(dead.run_id).status == DagsterRunStatus.FAILURE  # type: ignore[union-attr]
        assert storage.claim_concurrency_slot(POOL, "mine", "write").is_claimed
        assert clear_dead_runs(instance, "mine") == []
        assert storage.get_concurrency_info(POOL).active_run_ids == {"mine"}
