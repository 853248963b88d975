"""Data sets of shops: Retailrocket, REES46, Yoochoose and Online Retail."""

from app.entry.files.layouts.layout import ANY, BOTH, EVENTS, ISO_TIME, NUMBER, Layout, headerless, unused

SHOPS: tuple[Layout, ...] = (
    Layout(
        "Retailrocket events",
        EVENTS,
        ("timestamp", "visitorid", "event", "itemid"),
        {"user_id": "visitorid", "item_id": "itemid", "event_type": "event", "timestamp": "timestamp"},
    ),
    unused(
        "Retailrocket item properties",
        "holds one property a row; make it one row an item",
        "timestamp",
        "itemid",
        "property",
        "value",
    ),
    unused("Retailrocket category tree", "holds the parents of categories", "categoryid", "parentid"),
    Layout(
        "REES46",
        BOTH,
        ("event_time", "event_type", "product_id", "user_id"),
        {
            "user_id": "user_id",
            "session_id": "user_session",
            "item_id": "product_id",
            "event_type": "event_type",
            "timestamp": "event_time",
            "categories": "category_code",
            "properties.brand": "brand",
            "properties.price": "price",
        },
    ),
    headerless(
        "Yoochoose buys",
        EVENTS,
        ",",
        {"session_id": NUMBER, "timestamp": ISO_TIME, "item_id": NUMBER, "value": NUMBER, "quantity": NUMBER},
        constants={"event_type": "purchase"},
    ),
    headerless(
        "Yoochoose clicks",
        EVENTS,
        ",",
        {"session_id": NUMBER, "timestamp": ISO_TIME, "item_id": NUMBER, "category_": ANY},
        constants={"event_type": "click"},
    ),
    *(
        Layout(
            "Online Retail",
            BOTH,
            (invoice, "StockCode", "Description", "Quantity", "InvoiceDate", customer),
            {
                "user_id": customer,
                "item_id": "StockCode",
                "title": "Description",
                "timestamp": "InvoiceDate",
                "value": "Quantity",
                "properties.price": price,
            },
            constants={"event_type": "purchase"},
        )
        for invoice, customer, price in (
            ("InvoiceNo", "CustomerID", "UnitPrice"),
            ("Invoice", "Customer ID", "Price"),
            ("Invoice", "CustomerID", "Price"),
        )
    ),
)
