"""Look at every connected system before a run: secrets, credentials, permissions, fields. Writes nothing."""

import sys
from collections.abc import Iterable, Sequence

from ingestion.api.alerts import Described, absent_alerts, described_alerts, retyped_alerts
from ingestion.api.client import Client
from ingestion.api.config import ConfigError, Configured, auth_secrets
from ingestion.api.connector import Connector, Deleted, Finding, MissingSecretError, secret_variable
from ingestion.api.errors import ApiError, AuthError
from ingestion.api.hidden import without_hidden
from ingestion.api.plans import used_columns, uses
from ingestion.api.records import Rows
from ingestion.landing.files import InputError, Problem
from ingestion.landing.settings import Settings
from ingestion.landing.tables import Table


def check_sources(systems: Iterable[Configured], settings: Settings) -> list[Finding]:
    """Return what was found at each configured system, in the order of sources.toml.

    Args:
        systems: `ingestion.registry.configured_systems(settings)`.
    """
    return [finding for configured in systems for finding in _check_system(configured, settings)]


def render_findings(findings: Sequence[Finding]) -> str:
    """Return the printed form: one line per finding, the problems counted at the end."""
    if not findings:
        return (
            "No connected system is switched on: every system is read from its extracts. "
            "To switch one on, add its section to ingestion/sources.toml; ingestion/README.md lists the systems."
        )
    problems = sum(not finding.is_ok for finding in findings)
    last = (
        "All in order." if not problems else f"{problems} of {len(findings)} checks found something to fix."
    )
    return "\n".join([*(str(finding) for finding in findings), last])


def _check_system(configured: Configured, settings: Settings) -> list[Finding]:
    name = configured.config.name
    findings = [
        Finding(
            name,
            table,
            "the models read this table, and the connector does not bring it",
            False,
            "add it to `read`, or, if the company has none, to `without`",
        )
        for table in configured.absent
    ]
    try:
        connector = configured.make()
    except ConfigError as error:
        return [*findings, Finding(name, "sources.toml", str(error), False, "correct it there")]
    missing = missing_secrets(configured)
    if missing:
        return findings + missing
    try:
        client = connector.client()
        findings += connector.check(client, [configured.sought(table) for table in configured.tables])
        failed = {finding.subject for finding in findings if not finding.is_ok}
        if "credentials" not in failed:
            findings += _check_fields(configured, connector, client, settings, failed)
    except AuthError as error:
        findings.append(Finding(name, "credentials", str(error), False, "correct the secrets"))
    except ApiError as error:
        findings.append(
            Finding(name, "connection", str(error), False, "correct base_url, or try again later")
        )
    return findings


def missing_secrets(configured: Configured) -> list[Finding]:
    """Secrets of a system that are set nowhere. Asks nobody, returns no secret."""
    found = []
    for secret in auth_secrets(configured):
        try:
            configured.config.secret(secret)
        except MissingSecretError:
            variable = secret_variable(configured.config.name, secret)
            fix = f"set the environment variable {variable}, or the same key in dlt's secrets.toml"
            found.append(Finding(configured.config.name, secret, "the secret is not set", False, fix))
    return found


def _check_fields(
    configured: Configured,
    connector: Connector,
    client: Client,
    settings: Settings,
    unreadable: set[str],
) -> list[Finding]:
    findings = []
    for table in map(configured.sought, configured.tables):
        try:
            described = connector.fields(table, client)
            if described is None:
                findings += _sampled_findings(configured, table, connector, client, settings)
        except (ApiError, InputError) as error:
            if table.name not in unreadable:
                fix = connector.fix(table, error) if isinstance(error, ApiError) else ""
                findings.append(Finding(configured.config.name, table.name, str(error), False, fix))
            continue
        if described is not None and table.name not in unreadable:
            table, hidden = without_hidden(configured, table, described, settings.seeds)
            findings += _field_findings(configured, table, described, settings)
            if hidden:
                told = f"not shown by the system, and read by no plan or model; they land empty: {', '.join(hidden)}"
                findings.append(Finding(configured.config.name, f"{table.name} hidden fields", told, True))
    return findings


def _sampled_findings(
    configured: Configured, table: Table, connector: Connector, client: Client, settings: Settings
) -> list[Finding]:
    """Look for the declared fields, and those that plans use, in the first records of a source without a description."""
    name, seeds = configured.config.name, settings.seeds
    origin = f"{configured.config.connector}:{table.name}"
    sample = Rows(table, origin)
    first = next(iter(connector.read(table, client, None)), [])
    if not isinstance(first, Deleted):
        sample.add(first)
    if not sample.count:
        return [Finding(name, f"{table.name} fields", "no record to look at", True)]
    used = used_columns(seeds, name, table.name)
    declared = [column.name for column in table.columns]
    omits_empty = configured.reading(connector, table).omits_empty
    expected = sorted(used) if omits_empty else [*declared, *sorted(used - set(declared))]
    # Where empty fields are left out, one that no plan uses may be empty in these records.
    seen = sample.filled if omits_empty else sample.seen
    alerts = retyped_alerts(seeds, name, origin, table, sample.retyped())
    alerts += absent_alerts(seeds, name, origin, table, seen, expected, [])
    if not alerts:
        told = f"{len(sample.seen)} fields in {sample.count} records; all needed fields are there"
        return [Finding(name, f"{table.name} fields", told, True)]
    return [_field_finding(name, problem) for problem in alerts]


def _field_finding(name: str, problem: Problem) -> Finding:
    return Finding(name, (problem.column or "").partition(".")[2], problem.message, False)


def _field_findings(
    configured: Configured, table: Table, described: Described, settings: Settings
) -> list[Finding]:
    name, seeds = configured.config.name, settings.seeds
    alerts = described_alerts(
        seeds, name, f"{configured.config.connector}:{table.name}", table, described, []
    )
    findings = [_field_finding(name, problem) for problem in alerts]
    there = {field.lower() for field in described} | {column.name.lower() for column in table.columns}
    for column in sorted(used_columns(seeds, name, table.name)):
        if column.lower() not in there:
            used = ", ".join(str(use) for use in uses(seeds, name, table.name, column))
            fix = (
                "correct the name in the plan, or give the user of the credentials the right to see the field"
            )
            findings.append(
                Finding(
                    name,
                    f"{table.name}.{column}",
                    f"is not a field of the source, used by {used}",
                    False,
                    fix,
                )
            )
    if not findings:
        findings.append(
            Finding(name, f"{table.name} fields", f"{len(described)} fields, all needed ones there", True)
        )
    return findings


def main() -> int:
    """Check all systems of sources.toml and print the findings; 1 when there is something to fix."""
    from ingestion.registry import configured_systems

    settings = Settings.from_env()
    try:
        findings = check_sources(configured_systems(settings), settings)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    print(render_findings(findings))
    return int(any(not finding.is_ok for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
