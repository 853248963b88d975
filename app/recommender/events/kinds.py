"""Kinds of events: event types mean the same in every usual spelling."""

from collections.abc import Mapping
from functools import lru_cache

IMPRESSION, VIEW, CLICK, RATING = "impression", "view", "click", "rating"
LIKE, CART, PURCHASE = "like", "cart", "purchase"
DISLIKE, HIDE, SKIP, UNLIKE, REMOVE_FROM_CART, RETURN = "dislike", "hide", "skip", "unlike", "removefromcart", "return"

KIND_WEIGHTS: Mapping[str, float] = {
    IMPRESSION: 0.0,
    VIEW: 1.0,
    CLICK: 1.0,
    LIKE: 2.0,
    CART: 2.0,
    PURCHASE: 3.0,
    DISLIKE: -2.0,
    RETURN: -2.0,
    HIDE: -1.0,
    SKIP: -1.0,
    UNLIKE: -1.0,
    REMOVE_FROM_CART: -1.0,
}
OTHER_WEIGHT = 1.0
"""The weight of all other kinds."""
SPELLINGS: Mapping[str, tuple[str, ...]] = {
    IMPRESSION: (
        "impressions",
        "itemimpression",
        "productimpression",
        "exposure",
        "viewitemlist",
        "viewlist",
        "productlistviewed",
        "productlistfiltered",
        "viewedproductcategory",
    ),
    VIEW: (
        *("views", "viewed", "visit", "pageview", "pageviews", "pageviewed", "itemview", "itempageview", "viewitem"),
        *("productview", "productviewed", "viewproduct", "viewcontent", "detailview", "detailpageview"),
        *("productdetailview", "vieweditem", "viewedproduct", "screenview", "pv"),
    ),
    CLICK: (
        *("clicks", "clicked", "clickthrough", "itemclick", "productclick", "productclicked", "clickedproduct", "tap"),
        "selectitem",
    ),
    RATING: ("ratings", "rate", "rated", "stars", "starrating", "productreviewed"),
    LIKE: (
        *(
            "likes",
            "liked",
            "thumbsup",
            "thumbup",
            "upvote",
            "love",
            "heart",
            "favorite",
            "favourite",
            "favorited",
            "fav",
        ),
        *("addtofavorites", "addtofavourites", "bookmark", "bookmarked", "save", "saved", "wishlist"),
        *("addtowishlist", "addedtowishlist", "productaddedtowishlist", "follow"),
    ),
    CART: (
        *("addtocart", "addedtocart", "cartadd", "addcart", "addtobasket", "addedtobasket", "basket", "basketadd"),
        *("addtobag", "cartaddition", "cartadditions", "productadded", "addedproduct", "wishlistproductaddedtocart"),
        *("begincheckout", "checkoutstarted", "checkout"),
    ),
    PURCHASE: (
        *("purchases", "purchased", "buy", "buys", "bought", "order", "orders", "ordered", "ordercompleted"),
        *("orderplaced", "placeorder", "transaction", "transactions", "sale", "sold", "checkoutcompleted"),
        *("purchasecomplete", "purchasecompleted", "conversion", "ecommerceorder", "completedorder"),
    ),
    DISLIKE: ("dislikes", "disliked", "thumbsdown", "thumbdown", "downvote", "hate"),
    HIDE: ("hidden", "hideitem", "block", "mute", "notinterested", "dismiss", "dismissed", "report"),
    SKIP: ("skips", "skipped", "skipforward"),
    UNLIKE: (
        *("unliked", "unfavorite", "unfavourite", "unfavorited", "unsave", "unbookmark", "unfollow"),
        *("removefromfavorites", "removefromfavourites", "removefromwishlist", "wishlistremove"),
        "productremovedfromwishlist",
    ),
    REMOVE_FROM_CART: (
        *("removedfromcart", "cartremove", "cartremoval", "removecart", "removefrombasket", "removedfrombasket"),
        *("basketremove", "removefrombag", "deletefromcart", "productremoved", "removedproduct"),
    ),
    RETURN: (
        *("returns", "returned", "refund", "refunds", "refunded", "chargeback", "orderrefunded"),
        *("ordercancelled", "ordercanceled", "cancelorder", "cancelled", "canceled", "cancellation"),
    ),
}
GA4_TYPES: Mapping[str, str] = {
    "view_item_list": IMPRESSION,
    "view_promotion": IMPRESSION,
    "select_item": CLICK,
}
"""Google Analytics' names of events that are stored under ours; others keep theirs."""
_KINDS = {spelling: kind for kind, spellings in SPELLINGS.items() for spelling in (kind, *spellings)}


@lru_cache(4_096)
def normalized(event_type: str) -> str:
    """Returns an event type without letter case, `_`, `-`, spaces and other separators: Add-to_Cart is addtocart."""
    return "".join(filter(str.isalnum, event_type.casefold())) or event_type


@lru_cache(4_096)
def kind_of(event_type: str) -> str:
    """Returns the kind of an event type; an unknown type is a kind of its own."""
    name = normalized(event_type)
    return _KINDS.get(name, name)


def is_known(event_type: str) -> bool:
    """Whether the meaning of an event type is known from its name."""
    return normalized(event_type) in _KINDS


def spellings() -> Mapping[str, str]:
    """Returns the kind of every normalized spelling."""
    return _KINDS
