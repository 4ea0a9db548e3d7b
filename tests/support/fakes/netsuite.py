"""NetSuite, played by the fault server."""

import copy
import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ingestion.systems.netsuite import oauth1, reader
from ingestion.systems.netsuite.tables import LINK, TABLES
from tests.support.companies.connected_company import Row, payload
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

RECORDS = payload("netsuite/records.json")
SECRETS = {
    "consumer_key": "key-of-the-integration", "consumer_secret": "secret-of-the-integration",
    "token_id": "id-of-the-token", "token_secret": "secret-of-the-token",
}  # fmt: skip
ZONE = ZoneInfo("Europe/Berlin")
_QUERY = re.compile(
    r"SELECT (?P<list>.+) FROM (?P<name>\w+) t(?P<join> JOIN transaction h ON h\.id = t\.transaction)?"
    r"(?: WHERE (?P<where>.+?))?(?: ORDER BY (?P<order>[\w., ]+))?"
)


class Account:
    """A NetSuite account; its user's clock is in Berlin."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.nonces = server, set[str]()
        self.now = datetime(2026, 2, 2, 9, 15, tzinfo=ZONE)
        self.rows: dict[str, dict[str, Row]] = {
            name: {self._key(name, row): copy.deepcopy(row)} for name, row in RECORDS.items()
        }
        self.columns = {table.name: {column.name for column in table.columns} for table in TABLES}
        self.deleted: list[Row] = []
        server.route("POST", reader.PATH)(self._suiteql)

    @staticmethod
    def _key(name: str, row: Row) -> str:
        if name == LINK.name:
            return "/".join(row[part] for part in LINK.primary_key)
        return f"{row['transaction']}/{row['id']}" if name == "transactionline" else str(row["id"])

    def stamp(self) -> str:
        return self.now.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S")

    def save(self, name: str, key: str, /, **values: Any) -> None:
        row = self.rows[name].setdefault(key, copy.deepcopy(RECORDS[name]) | {"id": key})
        row |= {"lastmodifieddate": self.stamp()} | values

    def line(self, transaction: str, number: int, **values: Any) -> None:
        like = copy.deepcopy(RECORDS["transactionline"])
        unique = str(int(transaction) * 1000 + number)
        self.rows["transactionline"][f"{transaction}/{number}"] = like | {
            "transaction": transaction, "id": str(number), "uniquekey": unique, "linelastmodifieddate": self.stamp(), **values,
        }  # fmt: skip
        self.save("transaction", transaction)

    def apply(self, payment: str, invoice: str, amount: str, line: int = 0, **values: Any) -> None:
        """Apply a payment, credit memo or refund to another transaction."""
        row = copy.deepcopy(RECORDS[LINK.name]) | {
            "previousdoc": invoice, "nextdoc": payment, "nextline": str(line), "foreignamount": amount, **values,
        }  # fmt: skip
        self.rows[LINK.name][self._key(LINK.name, row)] = row

    def drop_line(self, transaction: str, number: int) -> None:
        del self.rows["transactionline"][f"{transaction}/{number}"]
        self.save("transaction", transaction)

    def delete(self, name: str, key: str, kind: str) -> None:
        del self.rows[name][key]
        for line in [
            line
            for line in self.rows["transactionline"]
            if name == "transaction" and line.startswith(f"{key}/")
        ]:
            del self.rows["transactionline"][line]
        self.deleted.append({"recordid": key, "type": kind, "deleteddate": self.stamp()})

    def _is_signed(self, request: Request) -> bool:
        sent = dict(re.findall(r'(\w+)="([^"]*)"', request.headers.get("authorization", "")))
        if sent.get("realm") != "1234567_SB1" or sent.get("oauth_nonce") in self.nonces:
            return False
        self.nonces.add(sent["oauth_nonce"])
        oauth = {name: value for name, value in sent.items() if name not in ("realm", "oauth_signature")}
        address = f"{self.server.url}{request.path}?" + "&".join(
            f"{name}={value}" for name, value in request.query.items()
        )
        expected = oauth1.signature(
            "POST", address, oauth, SECRETS["consumer_secret"], SECRETS["token_secret"]
        )
        return (
            oauth1._escape(expected) == sent["oauth_signature"] and sent["oauth_token"] == SECRETS["token_id"]
        )

    def _suiteql(self, request: Request) -> Any:
        if not self._is_signed(request):
            return Answer(
                401, {"title": "Invalid login attempt.", "o:errorDetails": [{"o:errorCode": "INVALID_LOGIN"}]}
            )
        assert request.headers["prefer"] == "transient"
        match = _QUERY.fullmatch(request.json["q"])
        assert match, request.json["q"]
        found = (
            list(self.deleted)
            if match["name"] == "deletedrecord"
            else list(self.rows.get(match["name"], {}).values())
        )
        if match["name"] in self.columns and "t.*" not in match["list"]:
            asked = set(re.findall(r"t\.(\w+)", match["list"]))
            if unknown := sorted(asked - self.columns[match["name"]]):
                detail = f"Invalid search query. Detailed unprocessed description follows. Search error occurred: Field '{unknown[0]}' for record '{match['name']}' was not found."
                return Answer(400, {"title": "Bad Request", "o:errorDetails": [{"detail": detail}]})
        for condition in (match["where"] or "").split(" AND "):
            found = [row for row in found if self._fits(row, condition)]
        names = re.findall(r"\w+", match["order"] or "")[1::2]
        found.sort(
            key=lambda row: [int(row[name]) if str(row[name]).isdigit() else row[name] for name in names]
        )
        start, size = int(request.query["offset"]), int(request.query["limit"])
        page = [
            {"links": []} | {name: value for name, value in row.items() if value is not None}
            for row in found[start : start + size]
        ]
        return {
            "links": [],
            "count": len(page),
            "hasMore": start + size < len(found),
            "items": page,
            "offset": start,
            "totalResults": len(found),
        }

    def _fits(self, row: Row, condition: str) -> bool:
        if not condition or "ROWNUM" in condition:
            return True
        if since := re.fullmatch(r"(\w)\.(\w+) >= TO_DATE\('([^']+)', 'YYYY-MM-DD HH24:MI:SS'\)", condition):
            source = self.rows["transaction"][row["transaction"]] if since[1] == "h" else row
            return bool(source[since[2]] >= since[3])
        if kinds := re.fullmatch(r"LOWER\(REPLACE\(t\.type, ' ', ''\)\) IN \((.+)\)", condition):
            return row["type"].replace(" ", "").lower() in re.findall(r"'(\w+)'", kinds[1])
        if kind := re.fullmatch(r"t\.linktype = '(\w+)'", condition):
            return bool(row["linktype"] == kind[1])
        after = re.fullmatch(r"t\.(\w+) (>=?) ([0-9]+)", condition)
        assert after, condition
        ours, theirs = int(row[after[1]]), int(after[3])
        return ours > theirs or (after[2] == ">=" and ours == theirs)


def many(netsuite: Account, count: int) -> None:
    for number in range(count):
        netsuite.now += timedelta(seconds=number % 2)
        for line in range(3):
            netsuite.line(str(8000 + number), line)
        netsuite.save("transaction", str(8000 + number), foreigntotal=f"{number}.07")
