"""Workday, played by the fault server."""

import base64
import csv
import io
from typing import Any

from tests.support.companies.connected_company import Row, payload
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

BASE = "/ccx/service/customreport2/example"
USER, PASSWORD = "ISU_Commissions@example", "password-of-the-integration"
BASIC = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
SECTION = """
[workday.tables.workers]
key = ["Employee_ID"]
options = { report = "ISU_Commissions/Commission_Workers" }
columns = { Hire_Date = "date", Termination_Date = "date", Active = "bool", Base_Pay = "decimal", Manager_ID = "text" }

[workday.tables.position_history]
key = ["Employee_ID", "Effective_Date"]
columns = { Effective_Date = "date", Manager_ID = "text" }
options = { report = "ISU_Commissions/Position History", format = "csv", date_format = "%m/%d/%Y", params = { From = "2020-01-01" } }
"""


class Tenant:
    """Two reports of a tenant."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.workers = server, payload("workday/workers.json")["Report_Entry"]
        self.positions: list[Row] = [
            {
                "Employee_ID": "21002",
                "Effective_Date": "03/15/2021",
                "Manager_ID": "21003",
                "Position": 'AE, "West"',
            },
            {
                "Employee_ID": "21002",
                "Effective_Date": "02/01/2026",
                "Manager_ID": "21001",
                "Position": "Senior\nAE",
            },
        ]
        server.route("GET", rf"{BASE}/ISU_Commissions/Commission_Workers")(self._workers)
        server.route("GET", rf"{BASE}/ISU_Commissions/Position%20History")(self._positions)

    def _workers(self, request: Request) -> Any:
        if request.headers.get("authorization") != BASIC:
            return Answer(401, {"error": "invalid username or password"})
        assert request.query == {"format": "json"}
        return {"Report_Entry": self.workers}

    def _positions(self, request: Request) -> Any:
        assert request.query == {"format": "csv", "From": "2020-01-01"}
        written = io.StringIO()
        writer = csv.DictWriter(written, list(self.positions[0]))
        writer.writeheader()
        writer.writerows(self.positions)
        return Answer(200, b"\xef\xbb\xbf" + written.getvalue().encode(), {"Content-Type": "text/csv"})
