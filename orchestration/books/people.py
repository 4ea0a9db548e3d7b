"""Finds the payee behind a name, and who may act for whom: from the HRIS and the seeds of operations."""

from __future__ import annotations

from orchestration.books.desk import Desk


def people_of(desk: Desk, actor: str) -> set[str]:
    """The payees that a name acts as: the payee of that id or e-mail, and the one that actors.csv gives it on the day.

    A row of actors.csv takes the place of id and e-mail: a name is one person.
    """
    day = desk.acted_at.date()
    named = desk.ask(
        """
        select payee_id from seeds.actors
        where actor = ? and valid_from <= ? and (valid_to is null or ? < valid_to)
        """,
        [actor, day, day],
    )
    found = named or desk.ask(
        "select payee_id from marts.dim_payees where payee_kind_code = 'person' and (payee_id = ? or email = lower(?))",
        [actor, actor],
    )
    return {row["payee_id"] for row in found}


def names_of(desk: Desk, payee_id: str) -> set[str]:
    """The people behind a payee: the person, or the members of a team on the day."""
    day = desk.acted_at.date()
    # The id of a territory may also be that of a person: only a team has members.
    members = desk.ask(
        """
        select memberships.payee_id
        from intermediate.int_parameters__team_memberships as memberships
        inner join marts.dim_payees as payees
          on memberships.team_id = payees.payee_id and payees.payee_kind_code = 'team'
        where memberships.team_id = $1 and memberships.valid_from <= $2
          and (memberships.valid_to is null or $2 < memberships.valid_to)
        """,
        [payee_id, day],
    )
    return {payee_id, *(row["payee_id"] for row in members)}


def managers_of(desk: Desk, payee_id: str) -> set[str]:
    """The managers of a payee on the day; of a team its leaders."""
    day = desk.acted_at.date()
    rows = desk.ask(
        """
        select manager_id as payee_id from intermediate.int_parameters__managers
        where payee_id = $1 and manager_id is not null and valid_from <= $2 and (valid_to is null or $2 < valid_to)
        union
        select teams.leader_payee_id
        from seeds.teams as teams
        inner join marts.dim_payees as payees
          on teams.team_id = payees.payee_id and payees.payee_kind_code = 'team'
        where teams.team_id = $1 and teams.leader_payee_id is not null
          and teams.valid_from <= $2 and (teams.valid_to is null or $2 < teams.valid_to)
        """,
        [payee_id, day],
    )
    return {row["payee_id"] for row in rows}


def approver_roles(desk: Desk, plan_id: str | None) -> list[str]:
    """The roles that approve a plan, in the order of its steps; without a plan, those of the common steps."""
    rows = desk.ask(
        """
        select role_code from seeds.approval_steps
        where plan_id is not distinct from
          (select plan_id from seeds.approval_steps where plan_id = $1 limit 1)
        order by step_number
        """,
        [plan_id],
    )
    return list(dict.fromkeys(row["role_code"] for row in rows))
