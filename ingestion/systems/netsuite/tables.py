"""NetSuite: the tables, their keys and types, as SuiteQL names them (lower case)."""

from ingestion.landing.tables import Table, amount, day, flag, instant, rate, text, whole

TRANSACTION = Table(
    name="transaction",
    columns=(
        *text("id", "tranid", "transactionnumber", "type", "recordtype", "status", "entity", "employee"),
        *text("currency", "postingperiod", "memo", "otherrefnum", "createdfrom", "reversal"),
        *flag("posting", "voided", "isreversal"),
        *amount("foreigntotal", "foreignamountpaid", "foreignamountunpaid"),
        *rate("exchangerate"),
        *day("trandate", "duedate", "closedate", "actualshipdate", "reversaldate"),
        *instant("createddate", "lastmodifieddate"),
    ),
    primary_key=("id",),
    stamp="lastmodifieddate",
)

TRANSACTIONLINE = Table(
    name="transactionline",
    columns=(
        *text("transaction", "id", "uniquekey"),
        *whole("linesequencenumber"),
        *text("item", "itemtype", "entity", "department", "class", "location", "subsidiary", "memo"),
        *text("createdfrom", "expenseaccount", "transactionlinetype", "price"),
        *flag("mainline", "taxline", "iscogs", "isclosed", "transactiondiscount"),
        *amount("quantity", "rate", "netamount", "foreignamount", "costestimate", "estgrossprofit"),
        *amount("foreignamountpaid", "foreignamountunpaid"),
        *instant("linelastmodifieddate"),
    ),
    primary_key=("transaction", "id"),
    stamp="linelastmodifieddate",
)

# What was applied to what: `nextdoc` (a payment, credit memo or refund) to `previousdoc` (an invoice, a credit memo).
LINK = Table(
    name="nexttransactionlinelink",
    columns=(
        *text("previousdoc", "previousline", "nextdoc", "nextline", "linktype", "previoustype", "nexttype"),
        *amount("foreignamount"),
    ),
    primary_key=("previousdoc", "previousline", "nextdoc", "nextline", "linktype"),
)

CUSTOMER = Table(
    name="customer",
    columns=(
        *text("id", "entityid", "entitynumber", "companyname", "altname", "firstname", "lastname", "email"),
        *text("externalid", "parent", "salesrep", "entitystatus", "currency", "category", "territory"),
        *flag("isinactive", "isperson"),
        *day("firstsaledate", "lastsaledate"),
        *instant("datecreated", "lastmodifieddate"),
    ),
    primary_key=("id",),
    stamp="lastmodifieddate",
)

EMPLOYEE = Table(
    name="employee",
    columns=(
        *text("id", "entityid", "firstname", "lastname", "email", "externalid", "title", "supervisor"),
        *text("department", "subsidiary", "location", "currency"),
        *flag("isinactive", "issalesrep"),
        *day("hiredate", "releasedate"),
        *instant("datecreated", "lastmodifieddate"),
    ),
    primary_key=("id",),
    stamp="lastmodifieddate",
)

CURRENCY = Table(
    name="currency",
    columns=(*text("id", "name", "symbol"), *flag("isbasecurrency", "isinactive")),
    primary_key=("id",),
)

TABLES = (TRANSACTION, TRANSACTIONLINE, LINK, CUSTOMER, EMPLOYEE, CURRENCY)
