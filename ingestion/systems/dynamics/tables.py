"""Dynamics 365 Sales on Dataverse: the tables, their keys and types."""

from ingestion.landing.tables import Column, Table, amount, day, flag, instant, text, whole

OPPORTUNITIES = Table(
    name="opportunities",
    columns=(
        *text("opportunityid", "name", "_ownerid_value", "_owninguser_value", "_owningteam_value"),
        *text("_customerid_value", "_parentaccountid_value", "_parentcontactid_value"),
        *text("_pricelevelid_value", "_transactioncurrencyid_value"),
        *whole("statecode", "statuscode", "salesstage", "opportunityratingcode", "closeprobability"),
        *text("stepname"),
        *amount("actualvalue", "actualvalue_base", "estimatedvalue", "estimatedvalue_base"),
        *amount("totalamount", "totalamount_base", "totallineitemamount", "discountamount", "totaltax"),
        Column("exchangerate", "decimal", 12),
        *day("actualclosedate", "estimatedclosedate"),
        *instant("createdon", "modifiedon", "overriddencreatedon"),
    ),
    primary_key=("opportunityid",),
    stamp="modifiedon",
)

OPPORTUNITYPRODUCTS = Table(
    name="opportunityproducts",
    columns=(
        *text("opportunityproductid", "_opportunityid_value", "_productid_value", "productdescription"),
        *text("_uomid_value", "_transactioncurrencyid_value"),
        *whole("lineitemnumber"),
        *flag("isproductoverridden", "ispriceoverridden"),
        *amount("quantity", "priceperunit", "baseamount", "extendedamount", "extendedamount_base"),
        *amount("manualdiscountamount", "volumediscountamount", "tax"),
        Column("exchangerate", "decimal", 12),
        *instant("createdon", "modifiedon"),
    ),
    primary_key=("opportunityproductid",),
    stamp="modifiedon",
)

SYSTEMUSERS = Table(
    name="systemusers",
    columns=(
        *text("systemuserid", "fullname", "firstname", "lastname", "internalemailaddress", "domainname"),
        *text("employeeid", "azureactivedirectoryobjectid", "_parentsystemuserid_value"),
        *text("_businessunitid_value", "_territoryid_value", "title"),
        *flag("isdisabled"),
        *instant("createdon", "modifiedon"),
    ),
    primary_key=("systemuserid",),
    stamp="modifiedon",
)

ACCOUNTS = Table(
    name="accounts",
    columns=(
        *text("accountid", "name", "accountnumber", "_ownerid_value", "_parentaccountid_value"),
        *text("_territoryid_value", "_transactioncurrencyid_value"),
        *whole("statecode", "statuscode", "industrycode", "customertypecode"),
        *instant("createdon", "modifiedon"),
    ),
    primary_key=("accountid",),
    stamp="modifiedon",
)

TRANSACTIONCURRENCIES = Table(
    name="transactioncurrencies",
    columns=(
        *text("transactioncurrencyid", "isocurrencycode", "currencyname"),
        *whole("currencyprecision", "statecode"),
        Column("exchangerate", "decimal", 12),
        *instant("createdon", "modifiedon"),
    ),
    primary_key=("transactioncurrencyid",),
    stamp="modifiedon",
)

TABLES = (OPPORTUNITIES, OPPORTUNITYPRODUCTS, SYSTEMUSERS, ACCOUNTS, TRANSACTIONCURRENCIES)
