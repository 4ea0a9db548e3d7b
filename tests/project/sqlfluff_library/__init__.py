"""What sqlfluff's jinja templater must know of dbt beyond its own dbt builtins (see .sqlfluff, library_path).

The stand-ins return SQL of the same shape as the real macros, so that the rendered files parse; nothing is executed.
"""

from collections.abc import Callable

from .lean import make_lean

make_lean()


class _Dbt:
    """dbt's cross-database macros that the models use."""

    @staticmethod
    def dateadd(datepart: str, interval: object, from_date_or_timestamp: str) -> str:
        return f"date_add({from_date_or_timestamp}, interval ({interval}) {datepart})"

    @staticmethod
    def datediff(first_date: str, second_date: str, datepart: str) -> str:
        return f"date_diff('{datepart}', {first_date}, {second_date})"

    @staticmethod
    def listagg(measure: str, delimiter_text: str, order_by_clause: str) -> str:
        return f"string_agg({measure}, {delimiter_text} {order_by_clause})"


class _Adapter:
    """Dispatched macros (ratio) become a call of their first two arguments."""

    @staticmethod
    def dispatch(macro_name: str, macro_namespace: str = "") -> Callable[..., str]:
        return lambda *arguments, **_: f"{macro_name}({', '.join(map(str, arguments[:2]))})"


def no_rows(columns: dict[str, str], relation: str = "") -> str:
    """The macro of that name."""
    selected = ", ".join(f"cast(null as {data_type}) as {name}" for name, data_type in columns.items())
    return f"select {selected}{f' from {relation}' if relation else ''} where false"


class _Commissions:
    """This project's macros, where they are called with the project's name in front: a call of their arguments.

    There are no seeds and no landed tables here: what loops over them renders its last, empty select.
    """

    def __getattr__(self, name: str) -> Callable[..., object]:
        if name in ("seed_rows", "version_formulas", "dated_formulas", "landed_columns"):
            return lambda *_: []
        if name == "transaction_sources":
            return lambda: {}
        if name in ("first_plan_rows", "closed_versions", "closed_split_versions"):
            return lambda *_: {}
        if name == "own_models":
            return lambda: {}
        if name == "contract_types":
            return lambda: {"plan_id": "varchar"}
        if name == "no_rows":
            return no_rows
        if name == "depends_on_sources":
            return lambda **_: ""
        return lambda *arguments: f"{name}({', '.join(str(argument) for argument in arguments)})"


def var(name: str, default: object = None) -> object:
    """Any var is a plain word."""
    return default or "1"


class _Flags:
    """Nothing is run here."""

    WHICH = "lint"


flags = _Flags()
dbt = _Dbt()
adapter = _Adapter()
commissions = _Commissions()


def tojson(value: object) -> str:
    """An empty list: what loops over it renders its last select."""
    return "[]"


def fromjson(text: str) -> list[object]:
    """See `tojson`."""
    return []
