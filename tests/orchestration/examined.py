"""One check of the doctor over a home, as a test asks for it."""

from __future__ import annotations

from orchestration.operating.doctor.examine import load_checks, made
from orchestration.operating.doctor.finding import OK, Finding, Patient
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.small_home import AS_OF


def patient_of(settings: RunSettings, **env: str) -> Patient:
    return Patient(settings, {"COMMISSIONS_HOME": str(settings.home), "COMMISSIONS_AS_OF_DATE": AS_OF, **env})


def found(patient: Patient, topic: str, subject: str) -> list[Finding]:
    """What one check finds, as the command tells it."""
    [registered] = [each for each in load_checks() if (each.topic, each.subject) == (topic, subject)]
    return made(registered, patient)


def one(patient: Patient, topic: str, subject: str, level: str) -> Finding:
    """The one finding of a check that is not in order (or the only one), of a level; it says how to fix it."""
    findings = found(patient, topic, subject)
    told = [finding for finding in findings if finding.level != OK] or findings
    assert [finding.level for finding in told] == [level], told
    if level != OK:
        assert told[0].fix, told[0]
    return told[0]
