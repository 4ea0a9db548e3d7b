"""QuickBooks Online: the tables, their keys and types. References and lines stay the objects that Intuit sends."""

from ingestion.landing.tables import Column, Table, amount, day, flag, instant, rate, text

# Every entity: SyncToken counts its versions. `LastUpdatedTime` is lifted out of `MetaData`: it is the cursor.
_ENTITY = (*text("Id", "SyncToken", "MetaData", "domain"), *flag("sparse"), *instant("LastUpdatedTime"))
_TRANSACTION = (
    *_ENTITY,
    *text("DocNumber", "CustomerRef", "CurrencyRef", "PrivateNote", "Line", "LinkedTxn"),
    *day("TxnDate"),
    *rate("ExchangeRate"),
)


def _transaction(name: str, *columns: Column) -> Table:
    return Table(name=name, columns=(*_TRANSACTION, *columns), primary_key=("Id",), stamp="LastUpdatedTime")


INVOICE = _transaction(
    "Invoice",
    *amount("TotalAmt", "HomeTotalAmt", "Balance", "HomeBalance", "Deposit"),
    *day("DueDate", "ShipDate"),
    *text("SalesTermRef", "DepartmentRef", "ClassRef", "CustomField", "TxnTaxDetail", "CustomerMemo"),
    *text("EmailStatus", "PrintStatus", "BillAddr", "ShipAddr"),
)
PAYMENT = _transaction(
    "Payment",
    *amount("TotalAmt", "UnappliedAmt"),
    *text("PaymentMethodRef", "PaymentRefNum", "DepositToAccountRef", "ARAccountRef"),
    *flag("ProcessPayment"),
)
CREDIT_MEMO = _transaction(
    "CreditMemo",
    *amount("TotalAmt", "HomeTotalAmt", "Balance", "HomeBalance", "RemainingCredit"),
    *text("DepartmentRef", "ClassRef", "CustomField", "TxnTaxDetail", "InvoiceRef"),
)
REFUND_RECEIPT = _transaction(
    "RefundReceipt",
    *amount("TotalAmt", "HomeTotalAmt", "Balance"),
    *text("PaymentMethodRef", "PaymentRefNum", "DepositToAccountRef", "DepartmentRef", "ClassRef"),
    *text("CustomField", "TxnTaxDetail"),
)
SALES_RECEIPT = _transaction(
    "SalesReceipt",
    *amount("TotalAmt", "HomeTotalAmt", "Balance"),
    *text("PaymentMethodRef", "PaymentRefNum", "DepositToAccountRef", "DepartmentRef", "ClassRef"),
    *text("CustomField", "TxnTaxDetail"),
)
CUSTOMER = Table(
    name="Customer",
    columns=(
        *_ENTITY,
        *text("DisplayName", "FullyQualifiedName", "CompanyName", "GivenName", "MiddleName", "FamilyName"),
        *text("ParentRef", "CurrencyRef", "PrimaryEmailAddr", "BillAddr", "Notes"),
        *flag("Active", "Job", "IsProject", "BillWithParent", "Taxable"),
        *amount("Balance", "BalanceWithJobs"),
    ),
    primary_key=("Id",),
    stamp="LastUpdatedTime",
)

# Intuit leaves empty fields out of a record; these are in each.
ALWAYS_SENT = frozenset(
    {"Id", "SyncToken", "MetaData", "LastUpdatedTime", "TxnDate", "TotalAmt", "DisplayName", "Active"}
)

TABLES = (INVOICE, PAYMENT, CREDIT_MEMO, REFUND_RECEIPT, SALES_RECEIPT, CUSTOMER)
