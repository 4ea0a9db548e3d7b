"""One pay group for everybody, paid monthly by a plain file of three columns."""

from tests.support.companies.contract_company import START


def everybody(*, months: tuple[int, ...] = (3, 4)) -> dict[str, list[dict[str, str]]]:
    """The payroll seeds: each month of 2014 is paid on the 15th of the next."""
    return {
        "pay_groups": [
            {
                "pay_group_id": "all",
                "valid_from": START,
                "layout_id": "csv",
                "negative_net_code": "carry_forward",
            }
        ],
        "pay_group_members": [{"pay_group_id": "all", "valid_from": START}],
        "pay_cycles": [
            {
                "pay_group_id": "all",
                "pay_cycle_code": f"2014-{month:02}",
                "valid_from": f"2014-{month:02}-01",
                "valid_to": f"2014-{month + 1:02}-01",
                "pay_date": f"2014-{month + 1:02}-15",
            }
            for month in months
        ],
        "earnings_codes": [{"earnings_code": "COMM"}],
        "payroll_layouts": [
            {
                "layout_id": "csv",
                "rows_code": "earnings",
                "is_deduction_taken": "true",
                "file_name": "{export_name}.csv",
            }
        ],
        "payroll_layout_columns": [
            {"layout_id": "csv", "column_number": str(number), "column_name": name, "value_code": name}
            for number, name in enumerate(("payee_id", "currency_code", "amount"), 1)
        ],
    }
