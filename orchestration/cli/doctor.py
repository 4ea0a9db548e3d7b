"""`commissions doctor`. It makes its own settings: those of the other commands create folders."""

from __future__ import annotations

import os
import sys
from dataclasses import replace

import click

from orchestration.warehouse.settings import RunSettings, SettingsError

EXIT_ILL = 1


@click.command()
@click.option("--online", is_flag=True, help="Also ask every connected system, as check-sources does.")
@click.option("--daemon", is_flag=True, help="Dagster's daemon has to be alive: its absence is an error.")
@click.option("--problems", is_flag=True, help="Print only what is not in order.")
@click.option("--json", "is_json", is_flag=True, help="Print for a program.")
def doctor(online: bool, daemon: bool, problems: bool, is_json: bool) -> None:
    """Look at the whole installation and say what to fix, each with its command. Writes nothing.

    Exit codes: 0 no error (there may be warnings), 1 something has to be fixed.
    """
    from orchestration.operating.doctor.examine import as_json, examine, is_well, render
    from orchestration.operating.doctor.finding import Patient

    try:
        settings = RunSettings.from_env()
    except SettingsError:
        # The date has a check of its own; everything else can be examined.
        without = {name: value for name, value in os.environ.items() if name != "COMMISSIONS_AS_OF_DATE"}
        settings = replace(RunSettings.from_env(without), as_of_date=None)
    patient = Patient(settings, dict(os.environ), is_online=online, is_daemon_expected=daemon)
    findings = examine(patient)
    click.echo(as_json(findings) if is_json else render(findings, is_all=not problems))
    if not is_well(findings):
        sys.exit(EXIT_ILL)
