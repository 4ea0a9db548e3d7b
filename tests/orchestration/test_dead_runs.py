"""What a run that was killed holds, in whatever state, does not keep the next one waiting."""

from collections.abc import Iterator

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from orchestration.defs.dead_runs import clear_dead_runs

POOL = "of_a_step_of_yours"


@dg.op(pool=POOL)
def write() -> None:
    pass


@dg.job
def writing() -> None:
    write()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(
        overrides={"concurrency": {"pools": {"default_limit": 1, "granularity": "op"}}}
    ) as made:
        made.event_log_storage.initialize_concurrency_limit_to_default(POOL)
        yield made


def test_a_killed_run_gives_back_its_place_and_is_marked(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    dead = instance.create_run_for_job(writing, status=DagsterRunStatus.STARTED)
    assert storage.claim_concurrency_slot(POOL, dead.run_id, "write").is_claimed
    assert not storage.claim_concurrency_slot(POOL, "mine", "write").is_claimed
    assert clear_dead_runs(instance, "mine") == [dead.run_id]
    assert instance.get_run_by_id(dead.run_id).status == DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert storage.claim_concurrency_slot(POOL, "mine", "write").is_claimed
    assert clear_dead_runs(instance, "mine") == []
    assert storage.get_concurrency_info(POOL).active_run_ids == {"mine"}


def test_a_place_that_was_given_to_a_killed_run_and_not_taken_is_free_again(
    instance: dg.DagsterInstance,
) -> None:
    storage = instance.event_log_storage
    ended = instance.create_run_for_job(writing, status=DagsterRunStatus.STARTED)
    dead = instance.create_run_for_job(writing, status=DagsterRunStatus.STARTED)
    assert storage.claim_concurrency_slot(POOL, ended.run_id, "write").is_claimed
    assert not storage.claim_concurrency_slot(POOL, dead.run_id, "write").is_claimed
    # The first step ends; the place is assigned to the second, whose process is gone by now.
    storage.free_concurrency_slot_for_step(ended.run_id, "write")
    assert storage.get_concurrency_info(POOL).assigned_run_ids == {dead.run_id}
    assert not storage.claim_concurrency_slot(POOL, "mine", "write").is_claimed
    assert dead.run_id in clear_dead_runs(instance, "mine")
    assert instance.get_run_by_id(dead.run_id).status == DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    assert storage.claim_concurrency_slot(POOL, "mine", "write").is_claimed


def test_a_killed_run_that_waited_for_a_place_does_not_get_it(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    first = instance.create_run_for_job(writing, status=DagsterRunStatus.STARTED)
    second = instance.create_run_for_job(writing, status=DagsterRunStatus.STARTED)
    assert storage.claim_concurrency_slot(POOL, first.run_id, "write").is_claimed
    assert not storage.claim_concurrency_slot(POOL, second.run_id, "write").is_claimed
    assert clear_dead_runs(instance, "mine") == sorted((first.run_id, second.run_id))
    assert storage.claim_concurrency_slot(POOL, "mine", "write").is_claimed
