"""Read Zoho CRM's REST API: fields of a module, its records in sets of fields, deleted records, users."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dlt.sources.helpers.requests import Response
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request

from ingestion.api.client import Client, Record
from ingestion.api.errors import ApiError

PAGE = 200
FIELDS_MAX = 50
# Kinds of fields that a list of records does not give out, or only one record at a time.
_NOT_LISTED = ("subform", "imageupload", "fileupload", "profileimage", "multiselectlookup", "multiuserlookup")


class Pages(BasePaginator):
    """Zoho's pages: by `page_token` where the answer gives one, else by number.

    Beyond 2,000 records only the token leads on.
    """

    def __init__(self) -> None:
        super().__init__()
        self.number = 1
        self._place: dict[str, str] = {"page": "1"}

    def init_request(self, request: Request) -> None:
        """Ask for the first page."""
        self.update_request(request)

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Take the token or count on."""
        body = response.json()
        info = (body.get("info") or {}) if isinstance(body, dict) else {}
        self._has_next_page = bool(info.get("more_records"))
        if self._has_next_page:
            self.number += 1
            token = info.get("next_page_token")
            self._place = {"page_token": str(token)} if token else {"page": str(self.number)}

    def update_request(self, request: Request) -> None:
        """Ask for the page, in the place of the one before."""
        asked: dict[str, Any] = dict(request.params or {})  # type: ignore[arg-type]
        others = {name: value for name, value in asked.items() if name not in ("page", "page_token")}
        request.params = {**others, **self._place}


def fields_of(client: Client, module: str) -> dict[str, str]:
    """Return the API names of the module's fields that can be listed, custom ones included, with their types.

    Raises:
        ApiError: the answer has none.
    """
    body = client.get("/settings/fields", {"module": module})
    found = body.get("fields") if isinstance(body, dict) else None
    if not found:
        raise ApiError(
            "zoho", f"{module}: no fields are visible; give the user's profile access to the module"
        )
    return {
        str(field["api_name"]): str(field.get("data_type"))
        for field in found
        if field["api_name"] != "id" and str(field.get("data_type")) not in _NOT_LISTED
    }


def _since(since: datetime | None) -> dict[str, str]:
    return {} if since is None else {"If-Modified-Since": since.isoformat(timespec="seconds")}


def pages(
    client: Client, path: str, params: Mapping[str, Any], items: str, since: datetime | None = None
) -> Iterator[list[Record]]:
    """Yield the pages of a list. An empty list and "nothing modified" have no body."""
    asked = {**params, "per_page": str(PAGE)}
    for number, body in enumerate(client.bodies(path, Pages(), params=asked, headers=_since(since)), start=1):
        if body is None:
            if number > 1:
                raise ApiError("zoho", f"{path}: page {number} was announced and is empty; load again")
            return
        if not isinstance(body, dict) or items not in body:
            raise ApiError("zoho", f"{path}: the answer has no {items}; load again later")
        yield body[items] or []


def field_sets(names: Sequence[str]) -> list[list[str]]:
    """Cut the fields into sets of at most 50, which is what one request may ask for.

    Modified_Time is in each set: it shows that the parts of a record belong together.
    """
    rest = [name for name in names if name != "Modified_Time"]
    size = FIELDS_MAX - 1
    return [["Modified_Time", *rest[start : start + size]] for start in range(0, max(len(rest), 1), size)]


def records(
    client: Client, module: str, names: Sequence[str], since: datetime | None = None
) -> Iterator[list[Record]]:
    """Yield the records of a module with all fields, in the order of their ids.

    With more than 50 fields the parts are put together by id. A record whose parts do not belong together,
    because it was modified between two of them, is asked for once more, alone and whole.
    """
    sets = field_sets(names)
    order = {"sort_by": "id", "sort_order": "asc"}
    if len(sets) == 1:
        yield from pages(client, f"/{module}", {"fields": ",".join(sets[0]), **order}, "data", since)
        return
    found: dict[str, list[Record]] = {}
    for chosen in sets:
        for page in pages(client, f"/{module}", {"fields": ",".join(chosen), **order}, "data", since):
            for part in page:
                found.setdefault(str(part["id"]), []).append(part)
    complete: list[Record] = []
    for key, parts in found.items():
        if len(parts) == len(sets) and len({part.get("Modified_Time") for part in parts}) == 1:
            complete.append({name: value for part in parts for name, value in part.items()})
        else:
            complete += (client.get(f"/{module}/{key}") or {}).get("data") or []
        if len(complete) >= PAGE:
            yield complete
            complete = []
    if complete:
        yield complete


def deleted(client: Client, module: str, since: datetime | None = None) -> Iterator[list[Record]]:
    """Yield the pages of deleted records (recycle bin and permanent): id, deleted_time, deleted_by, type."""
    yield from pages(client, f"/{module}/deleted", {"type": "all"}, "data", since)
