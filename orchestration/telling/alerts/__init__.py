"""Alerts: what a person has to look at, sent by webhook, Slack or e-mail as notifications.toml says.

    from orchestration.telling.alerts import Alert, send_alerts

    send_alerts(Alert("freshness_overdue", "warning", "Deals are three days old", "Look at ...", "crm/Opportunity"))

Sending never raises and, without channels, does nothing: an alert must not break what it reports. `config` reads the channels,
`channels` sends to one, `store` remembers what was sent, `runs` makes the alerts of a Dagster run, `sensors` are Dagster's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestration.telling.alerts.alert import Alert, Kind, Severity

if TYPE_CHECKING:
    from orchestration.telling.alerts.sending import Sent, flush, send_alerts

__all__ = ["Alert", "Kind", "Sent", "Severity", "flush", "send_alerts"]


def __getattr__(name: str) -> Any:
    # Sending needs a second of imports, which a command that sends nothing does not wait for.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orchestration.telling.alerts import sending

    return getattr(sending, name)
