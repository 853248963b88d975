"""Call ten operations through the generated Python client: `python calls.py URL KEY`."""

import sys

from serendip_client import AuthenticatedClient
from serendip_client.api.events import send_events
from serendip_client.api.items import get_item, patch_item, put_item, put_items
from serendip_client.api.jobs import create_job
from serendip_client.api.keys import create_key
from serendip_client.api.recommendations import recommend_for_user
from serendip_client.api.users import list_user_events, put_user
from serendip_client.models import (
    BatchItem,
    EventIn,
    EventsIn,
    ExportIn,
    ItemIn,
    ItemPatch,
    ItemsIn,
    KeyIn,
    Scope,
    UserIn,
)


def main(url: str, key: str) -> None:
    client = AuthenticatedClient(url, key, prefix="", auth_header_name="X-API-Key", raise_on_unexpected_status=True)

    tea = put_item.sync_detailed("tea", client=client, body=ItemIn(title="Tea"), if_none_match="*")
    assert (tea.status_code, tea.parsed.title) == (200, "Tea")
    assert get_item.sync_detailed("tea", client=client, if_none_match=tea.headers["ETag"]).status_code == 304
    patched = patch_item.sync("tea", client=client, body=ItemPatch(title="Green tea"), if_match=tea.headers["ETag"])
    assert patched.title == "Green tea"
    assert put_items.sync(client=client, body=ItemsIn([BatchItem("milk"), BatchItem("rum")])).changed == 2
    assert put_user.sync("ann", client=client, body=UserIn()).user_id == "ann"
    events = EventsIn([EventIn("tea", user_id="ann"), EventIn("milk", user_id="bob", event_type="rating", value=4.5)])
    accepted = send_events.sync(client=client, body=events, idempotency_key="calls")
    assert accepted.accepted == 2
    assert [event.item_id for event in list_user_events.sync("ann", client=client).events] == ["tea"]
    page = recommend_for_user.sync("ann", client=client, limit=3, fresh_after=accepted.freshness_token)
    assert all(row.item_id != "tea" for row in page.items)
    assert create_job.sync(client=client, body=ExportIn(kind="export")).kind == "export"
    assert create_key.sync(client=client, body=KeyIn("shop", [Scope.RECOMMEND])).key.startswith("sk_")


if __name__ == "__main__":
    main(*sys.argv[1:])
