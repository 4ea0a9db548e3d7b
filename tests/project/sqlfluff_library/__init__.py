"""What sqlfluff's jinja templater must know of dbt beyond its own dbt builtins (see .sqlfluff, library_path).

The stand-ins return SQL of the same shape as the real macros, so that the rendered files parse; nothing is executed.
"""

from collections.abc import Callable


class _Dbt:
    """dbt's cross-database macros that the models use."""

    @staticmethod
    def dateadd(datepart: str, interval: object, from_date_or_timestamp: str) -> str:
        return f"date_add({from_date_or_timestamp}, interval ({interval}) {datepart})"


class _Adapter:
    """Dispatched macros (ratio) become a call of their first two arguments."""

    @staticmethod
    def dispatch(macro_name: str, macro_namespace: str = "") -> Callable[..., str]:
        return lambda *arguments, **_: f"{macro_name}({arguments[0]}, {arguments[1]})"


class _Commissions:
    """This project's macros, where they are called with the project's name in front."""

    @staticmethod
    def plan_versions() -> list[dict[str, str]]:
        return [
            {
                "plan_id": "plan",
                "valid_from": "2000-01-01",
                "source_object": "crm/Opportunity",
                "filter_expression": "true",
                "value_expression": "1",
            }
        ]


def var(name: str, default: object = None) -> object:
    """Names the objects of the data pool for evaluate_plan_expression; any other var is a plain word."""
    return (
        {"crm/Opportunity": "stg_crm__opportunities"} if name == "transaction_sources" else (default or "1")
    )


dbt = _Dbt()
adapter = _Adapter()
commissions = _Commissions()
