"""The only place where stores, services and the application are put together."""

from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex

from app.api.deps import Launcher, Services
from app.api.tokens import Tokens
from app.config import Settings
from app.services.catalog import Catalog
from app.services.events import Events
from app.services.recommend import Recommend
from app.services.serving_cache import ServingCache
from app.services.train import Stores, Train
from app.storage import schema
from app.storage.database import Database
from app.storage.events import Events as EventStore
from app.storage.items import Items
from app.storage.neighbours import Neighbours
from app.storage.users import Users
from app.storage.versions import Versions


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Wired:
    """One process's database and the services on top of it."""

    database: Database
    services: Services


def wire(settings: Settings, launcher: Launcher) -> Wired:
    database = Database(settings, schema.MODELS)
    items, users, events = Items(database), Users(database), EventStore(database)
    neighbours, versions = Neighbours(database), Versions(database)
    cache = ServingCache(neighbours, items, versions, settings)
    services = Services(
        settings=settings,
        catalog=Catalog(items, users, now, cache.forget_facts),
        events=Events(events),
        recommend=Recommend(events, cache, settings, database.submit),
        train=Train(Stores(events, items, neighbours, versions), settings, now, token_hex, cache.forget_active),
        tokens=Tokens(settings.secret.get_secret_value()),
        launcher=launcher,
        clock=now,
        missing_tables=lambda: schema.missing(database),
    )
    return Wired(database, services)
