"""Client of the Serendip recommendations API, sync (`Serendip`) and async (`AsyncSerendip`)."""

from serendip_client import models
from serendip_client.client import AsyncSerendip, Serendip
from serendip_client.errors import SerendipError, UnsentEvents
from serendip_client.events import AsyncEventSender, EventSender
from serendip_client.live import AsyncLiveLists, LiveList, LiveLists
from serendip_client.pages import pages, pages_async
from serendip_client.retries import Retries

__all__ = [
    "AsyncEventSender",
    "AsyncLiveLists",
    "AsyncSerendip",
    "EventSender",
    "LiveList",
    "LiveLists",
    "Retries",
    "Serendip",
    "SerendipError",
    "UnsentEvents",
    "models",
    "pages",
    "pages_async",
]
