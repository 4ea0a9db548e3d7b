"""Extracts that cannot be right, each with what the refusal says."""

HEADER = b"payment_id,invoice_id,opportunity_id,kind,paid_date,currency_code,amount,updated_at"
GOOD = b"P1,INV-1,SO1,payment,2012-01-31,USD,10.5000,2012-01-31T00:00:00Z"


def line(**changed: str) -> bytes:
    """Return the good line with some fields changed."""
    fields = dict(zip(HEADER.decode().split(","), GOOD.decode().split(","), strict=True))
    return ",".join((fields | changed).values()).encode()


CASES = {
    "not a number": (
        [GOOD, line(payment_id="P2", amount="abc")],
        "billing/payments.csv row 3 column amount: 'abc' is not a decimal number; write digits",
    ),
    "decimal comma": (
        [line(amount='"12,5"')],
        "billing/payments.csv row 2 column amount: '12,5' is not a decimal number; write 12.5",
    ),
    "thousands": (
        [line(amount='"1,234.50"')],
        "row 2 column amount: '1,234.50' is not a decimal number; write 1234.50",
    ),
    "currency sign": ([line(amount="$7")], "row 2 column amount: '$7' is not a decimal number; write 7"),
    "exponent": ([line(amount="1e5")], "row 2 column amount: '1e5' is not a decimal number"),
    "not a number at all": ([line(amount="NaN")], "row 2 column amount: 'NaN' is not a decimal number"),
    "too many decimals": (
        [line(amount="1.123456789")],
        "row 2 column amount: '1.123456789' has 9 decimals, the column holds 8; round it at the source",
    ),
    "too large": ([line(amount="1" + "0" * 20)], "has more than 20 digits before the decimal point"),
    "bad date": (
        [line(paid_date="31/01/2012")],
        "row 2 column paid_date: '31/01/2012' is not a date; write YYYY-MM-DD",
    ),
    "no such day": (
        [line(paid_date="2012-02-30")],
        "row 2 column paid_date: '2012-02-30' is not a date of the calendar",
    ),
    "no time zone": (
        [line(updated_at="2012-01-31T00:00:00")],
        "column updated_at: '2012-01-31T00:00:00' has no time zone; write 2012-01-31T00:00:00Z if it is UTC",
    ),
    "not an instant": (
        [line(updated_at="2012-01-31")],
        "'2012-01-31' is not an instant; write YYYY-MM-DDThh:mm:ssZ",
    ),
    "empty key": ([GOOD, line(payment_id="")], "row 3 column payment_id: the key is empty; fill it"),
    "key twice": (
        [GOOD, line(payment_id="P2"), line(amount="11")],
        "row 4 column payment_id: 'P1' is the key of row 2 as well; keep one of the two rows",
    ),
    "field too many": (
        [GOOD + b",more"],
        "row 2: has 9 fields, the header has 8; put values that contain a comma",
    ),
    "open quote": ([GOOD, line(payment_id='"P2')], "row 3: cannot be read as CSV"),
    "not UTF-8": ([GOOD, line(payment_id="P2").replace(b"INV", b"\xff")], "row 3: is not UTF-8 text"),
}

HEADERS = {
    "column missing": (
        HEADER.replace(b",amount", b""),
        "row 1 column amount: the column is missing; add the column amount to the export",
    ),
    "column renamed in case": (
        HEADER.replace(b"amount", b"Amount"),
        "row 1 column amount: the column is missing; the file has 'Amount'; rename it",
    ),
    "column twice": (HEADER + b",KIND", "row 1 column KIND: the name is there twice (also 'kind'); keep one"),
    "column without name": (HEADER + b",", "row 1: a column has no name"),
    "reserved name": (
        HEADER + b",_row_hash",
        "row 1 column _row_hash: the name is used by the landing itself",
    ),
    "empty file": (b"", "row 1: is empty; it needs at least the line with the column names"),
}
