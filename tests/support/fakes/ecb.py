"""The European Central Bank's file of rates, played by the fault server."""

import io
import zipfile
from typing import Any

from tests.support.servers.fault_server import Answer, FaultServer, Request

# Reference rates as the bank published them (source: European Central Bank, free reuse with this notice).
FILE = """Date,USD,JPY,BGN,CYP,
2024-01-03,1.0919,155.98,1.9558,N/A,
2024-01-02,1.0956,155.63,1.9558,N/A,
2007-12-31,1.4721,164.93,1.9558,0.585274,
"""


class Bank:
    """The bank's server, with the file plain or packed."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.text, self.is_packed = server, FILE, True
        server.route("GET", r"/stats/eurofxref/eurofxref-hist.(zip|csv)")(self._file)

    def _file(self, request: Request) -> Any:
        if not self.is_packed:
            return Answer(200, self.text, {"Content-Type": "text/csv"})
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("eurofxref-hist.csv", self.text)
        return Answer(200, packed.getvalue(), {"Content-Type": "application/zip"})
