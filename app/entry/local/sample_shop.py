"""A synthetic shop: believable items, users with latent tastes, and their events of the last three months."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from random import Random

from app.domain.events import Event, derived_event_id
from app.domain.items import Item
from app.domain.users import User

SEED = 20_261_123
USERS = 350
EVENTS_PER_USER = (5, 75)
DAYS = 90
SHELVES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[int, int]]] = {
    "Kitchen": (
        ("Cast-iron", "Ceramic", "Copper", "Enamel", "Bamboo", "Steel"),
        ("Skillet", "Teapot", "Mixing Bowl", "Chopping Board", "Saucepan", "Spice Rack", "Kettle"),
        (9, 120),
    ),
    "Coffee": (
        ("Guatemalan", "Ethiopian", "Decaf", "Dark Roast", "Organic"),
        ("Beans 500 g", "Espresso 1 kg", "Filter Coffee", "Cold Brew"),
        (7, 38),
    ),
    "Garden": (
        ("Galvanized", "Terracotta", "Cedar", "Folding", "Solar"),
        ("Planter", "Watering Can", "Trowel", "Bird Feeder", "Lantern", "Bench"),
        (6, 180),
    ),
    "Outdoor": (
        ("Ultralight", "Waterproof", "Alpine", "Insulated", "Trail"),
        ("Tent", "Backpack", "Sleeping Bag", "Rain Jacket", "Headlamp", "Stove", "Bottle"),
        (14, 320),
    ),
    "Books": (
        ("The Art of", "A Short History of", "Stories of", "Learning", "The Atlas of"),
        ("Bread", "Mountains", "Gardens", "Coffee", "Design", "Maps", "Birds"),
        (8, 45),
    ),
    "Desk": (
        ("Walnut", "Aluminum", "Felt", "Leather", "Recycled"),
        ("Monitor Stand", "Notebook", "Pen Tray", "Lamp", "Desk Mat", "Organizer"),
        (5, 140),
    ),
    "Music": (
        ("Vintage", "Studio", "Portable", "Wireless", "Acoustic"),
        ("Headphones", "Speaker", "Record Player", "Ukulele", "Metronome"),
        (19, 420),
    ),
    "Games": (
        ("Cooperative", "Classic", "Travel", "Strategy", "Family"),
        ("Board Game", "Puzzle 1000 pc", "Card Game", "Chess Set", "Dice Set"),
        (8, 75),
    ),
}
STEPS = (("view", 1.0), ("cart", 0.28), ("purchase", 0.5))
COMPANIONS = {
    "Skillet": "Spice Rack",
    "Saucepan": "Spice Rack",
    "Teapot": "Kettle",
    "Mixing Bowl": "Chopping Board",
    "Beans 500 g": "Filter Coffee",
    "Espresso 1 kg": "Cold Brew",
    "Planter": "Watering Can",
    "Bench": "Lantern",
    "Trowel": "Bird Feeder",
    "Tent": "Sleeping Bag",
    "Backpack": "Rain Jacket",
    "Stove": "Bottle",
    "Headlamp": "Tent",
    "Bread": "Coffee",
    "Mountains": "Maps",
    "Gardens": "Birds",
    "Notebook": "Pen Tray",
    "Lamp": "Desk Mat",
    "Monitor Stand": "Organizer",
    "Record Player": "Speaker",
    "Ukulele": "Metronome",
    "Board Game": "Dice Set",
    "Card Game": "Puzzle 1000 pc",
    "Chess Set": "Board Game",
}
"""What goes with a thing, of the same make."""
COMPANION_CHANCE = 0.55


def items(random: Random) -> list[Item]:
    """A few hundred items, each on a shelf, some marked as gifts."""
    shop: list[Item] = []
    for shelf, (makes, things, (low, high)) in SHELVES.items():
        for make, thing in product(makes, things):
            categories = (shelf, "Gifts") if random.random() < 0.2 else (shelf,)  # noqa: PLR2004 - one in five
            price = round(random.uniform(low, high)) - 0.05
            properties = {
                "price": price,
                "brand": random.choice(("Alder", "Brook", "Cove", "Dune", "Elm")),
                "image_url": f"/console/sample/{thing.lower().replace(' ', '-')}.svg",
            }
            shop.append(Item(f"sku-{len(shop) + 1:03d}", f"{make} {thing}", categories, properties))
    return shop


def users(random: Random) -> list[User]:
    countries = ("DE", "FR", "GB", "NL", "US")
    return [User(f"user-{number:03d}", {"country": random.choice(countries)}) for number in range(1, USERS + 1)]


def companions(shop: list[Item]) -> dict[str, Item]:
    """Returns what many customers buy with an item, by its id."""
    titles = {item.title: item for item in shop}
    pairs = {}
    for makes, things, _ in SHELVES.values():
        for make, thing in product(makes, things):
            if thing in COMPANIONS:
                pairs[titles[f"{make} {thing}"].item_id] = titles[f"{make} {COMPANIONS[thing]}"]
    return pairs


def events(random: Random, shop: list[Item], customers: list[User], now: datetime) -> Iterator[Event]:
    """Each user prefers two shelves and one make; popular items get more events, some things are bought together."""
    bought_with = companions(shop)
    shelves = {shelf: [item for item in shop if item.categories[0] == shelf] for shelf in SHELVES}
    appeal = {item.item_id: random.paretovariate(1.2) for item in shop}
    for user in customers:
        first, second = random.sample(list(SHELVES), 2)
        make = random.randrange(5)
        for _ in range(random.randint(*EVENTS_PER_USER)):
            shelf = random.choices((first, second, random.choice(list(SHELVES))), (6, 3, 1))[0]
            preferred = SHELVES[shelf][0][make]
            choices = shelves[shelf]
            weights = [
                appeal[item.item_id] * (4 if (item.title or "").startswith(preferred) else 1) for item in choices
            ]
            item = random.choices(choices, weights)[0]
            timestamp = now - timedelta(days=random.uniform(0, DAYS))
            for step, chance in STEPS:
                if random.random() > chance:
                    break
                yield _event(user, item, step, timestamp)
                if step == "purchase" and item.item_id in bought_with and random.random() < COMPANION_CHANCE:
                    companion = bought_with[item.item_id]
                    yield _event(user, companion, "view", timestamp - timedelta(seconds=random.randint(20, 300)))
                    yield _event(user, companion, step, timestamp)
                timestamp += timedelta(seconds=random.randint(20, 600))
                if timestamp > now:
                    break


def _event(user: User, item: Item, step: str, timestamp: datetime) -> Event:
    event_id = derived_event_id(user.user_id, item.item_id, step, None)
    return Event(user.user_id, item.item_id, step, timestamp, event_id)
