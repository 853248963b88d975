"""The peers by name."""

import re
from collections.abc import Mapping, Sequence

from app.entry.offline.peers import factors, neighbors, popular, sasrec, trainer
from app.entry.offline.peers.peer import Peer

EXPONENTS = (0.0, 0.25, 0.5, 0.75)
KEPT = (100, 300, None)

PEERS: Mapping[str, Peer] = {
    "als": Peer(
        factors.als,
        {"factors": 64, "regularization": 1.0, "alpha": 10.0},
        [
            ("regularization", (0.1, 10.0, 50.0)),
            ("alpha", (1.0, 3.0, 30.0)),
            ("factors", (32, 128, 256)),
            ("regularization", (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)),
        ],
    ),
    "bpr": Peer(
        factors.bpr,
        {"factors": 64, "learning_rate": 0.05, "regularization": 0.01},
        [("learning_rate", (0.02, 0.1)), ("regularization", (0.003, 0.03, 0.1)), ("factors", (32, 128))],
    ),
    "item-knn": Peer(
        neighbors.item_knn,
        {"weights": "cosine", "kept": 100},
        [("weights", ("tf-idf", "bm25")), ("kept", (20, 50, 200, 500))],
    ),
    "ease": Peer(neighbors.ease, {"ridge": 200.0}, [("ridge", (500.0, 50.0, 1_000.0, 100.0, 2_000.0, 20.0))]),
    "co-occurrence": Peer(
        neighbors.co_occurrence,
        {"user_exponent": 0.25, "item_exponent": 0.5, "kept": None},
        [("item_exponent", EXPONENTS), ("user_exponent", EXPONENTS), ("item_exponent", EXPONENTS), ("kept", KEPT)],
    ),
    "rp3beta": Peer(
        neighbors.rp3beta,
        {"alpha": 1.0, "beta": 0.4, "kept": None},
        [
            ("beta", (0.0, 0.2, 0.3, 0.5, 0.6, 0.8)),
            ("alpha", (0.4, 0.6, 0.8, 1.2)),
            ("beta", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7)),
            ("kept", KEPT),
        ],
    ),
    "local-ridge": Peer(
        neighbors.local_ridge,
        {"user_exponent": 0.25, "item_exponent": 0.25, "ridge": 3.0},
        [
            ("ridge", (1.0, 10.0, 30.0, 100.0)),
            ("user_exponent", (0.0, 0.5)),
            ("item_exponent", (0.0, 0.15, 0.35, 0.5)),
            ("ridge", (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)),
        ],
    ),
    "sasrec": sasrec.PEER,
    "popular": Peer(popular.fit, {"days": None}),
    "serendip": Peer(trainer.fit, {"neighbors": 100}),
}
GROUPS: Mapping[str, Sequence[str]] = {"implicit": ("als", "bpr", "item-knn"), "rectools": ("ease",)}
IN_ENVIRONMENT = {"als", "bpr", "item-knn", "ease", "sasrec"}
"""Peers that need packages which Serendip does not have."""
RECENT = re.compile(r"popular-(\d{1,4})-days")


def named(names: str) -> list[str]:
    """Parses names with commas between them; a library stands for its peers, in their order.

    Raises:
        ValueError: there is no such peer; the message lists all.
    """
    peers: list[str] = []
    for name in names.split(","):
        group = GROUPS.get(name.strip(), (name.strip(),))
        for peer in group:
            of(peer)
        peers += [peer for peer in group if peer not in peers]
    return peers


def of(name: str) -> Peer:
    """Returns a peer by its name; raises ValueError if there is none."""
    recent = RECENT.fullmatch(name)
    if recent and int(recent[1]):
        return Peer(popular.fit, {"days": int(recent[1])})
    if name not in PEERS:
        choices = [*GROUPS, *PEERS, "popular-7-days (any number)"]
        raise ValueError(f"{name!r} is not a peer. Peers: {', '.join(choices)}.")
    return PEERS[name]
