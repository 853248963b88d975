"""Well-known data sets and exports are recognized by their columns, whatever their file is called."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from app.entry.files.layouts.layout import Layout
from app.entry.files.layouts.matching import LAYOUTS
from app.entry.files.reader import Options
from app.entry.files.rows import FileUnused
from tests.support.files import read, written

MBID = "a3cb23fc-acd3-4ce0-8f36-1e5aa6a18432"
GA4 = {
    "event_name": "purchase",
    "event_timestamp": "1611234567890123",
    "user_pseudo_id": "123.456",
    "items": [
        {"item_id": "mug", "item_name": "Mug", "price": 4.5, "item_category": "Kitchen"},
        {"item_id": "tea", "item_name": "Tea", "price": 3},
    ],
}
UNUSED = {
    "MovieLens tags": "userId,movieId,tag,timestamp\n2,1,funny,1445714994\n",
    "MovieLens links": "movieId,imdbId,tmdbId\n1,0114709,862\n",
    "MovieLens genome scores": "movieId,tagId,relevance\n1,1,0.025\n",
    "MovieLens genome tags": "tagId,tag\n1,007\n",
    "MovieLens tags.dat": "15::4973::excellent!::1215184630\n",
    "HetRec tagged artists": "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t52\t13\t1\t4\t2009\n",
    "HetRec tags": "tagID\ttagValue\n1\tmetal\n",
    "HetRec friends": "userID\tfriendID\n2\t275\n",
    "Retailrocket item properties": "timestamp,itemid,property,value\n1435460400000,460429,categoryid,1338\n",
    "Retailrocket category tree": "categoryid,parentid\n1016,213\n",
}
RECORDS: dict[str, tuple[str, list[tuple[Any, ...]]]] = {
    "MovieLens ratings": ("userId,movieId,rating,timestamp\n1,31,2.5,1260759144\n", [("1", "31", "rating", 2.5)]),
    "MovieLens movies": ("movieId,title,genres\n1,Heat (1995),(no genres listed)\n", [("1", "Heat (1995)", ())]),
    "MovieLens ratings.dat": ("1::1193::5::978300760\n", [("1", "1193", "rating", 5)]),
    "MovieLens users.dat": ("1::F::1::10::48067\n", [("1", {"gender": "F", "age": 1, "occupation": 10, "zip": 48067})]),
    "MovieLens movies.dat": ("1::Heat: II (1995)::Action|Crime\n", [("1", "Heat: II (1995)", ("Action", "Crime"))]),
    "MovieLens u.data": ("196\t242\t3\t881250949\n", [("196", "242", "rating", 3)]),
    "MovieLens u.user": (
        "1|24|M|technician|T8H1N\n",
        [("1", {"age": 24, "gender": "M", "occupation": "technician", "zip": "T8H1N"})],
    ),
    "MovieLens u.item": (
        (
            "1|Misérables, Les (1995)|01-Jan-1995||http://x|0|0|0|0|0|0|0|0|1|0|0|0|1|0|0|0|0|0|0\n"
            "267|unknown||||1" + "|0" * 18 + "\n"
        ),
        [("1", "Misérables, Les (1995)", ("Drama", "Musical")), ("267", "unknown", ())],
    ),
    "Retailrocket events": (
        "timestamp,visitorid,event,itemid,transactionid\n1433221332117,257597,addtocart,355908,\n",
        [("257597", "355908", "addtocart", None)],
    ),
    "REES46": (
        (
            "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session\n"
            "2019-10-01 00:00:00 UTC,view,44600062,21038,electronics.phone,acme,35.79,541312140,72d76fde\n"
        ),
        [("541312140", "44600062", "view", None), ("44600062", None, ("electronics.phone",))],
    ),
    "Yoochoose clicks": ("1,2014-04-07T10:51:09.277Z,214536502,0\n", [("#session#1", "214536502", "click", None)]),
    "Yoochoose buys": (
        "420374,2014-04-06T18:44:58.314Z,214537888,12462,1\n",
        [("#session#420374", "214537888", "purchase", 12_462)],
    ),
    "Online Retail": (
        (
            "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
            "536365,85123A,WHITE HOLDER,-6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
        ),
        [("17850", "85123A", "return", 6), ("85123A", "WHITE HOLDER", ())],
    ),
    "Amazon Reviews 2023": (
        "user_id,parent_asin,rating,timestamp,history\nAFKZ,B0B,5.0,1588687728923,\n",
        [("AFKZ", "B0B", "rating", 5)],
    ),
    "Amazon Reviews 2023 products": (
        orjson.dumps(
            {
                "main_category": "Books",
                "title": "Tea",
                "average_rating": 4.8,
                "features": ["x"],
                "categories": ["Books"],
                "parent_asin": "B0B",
            }
        ).decode(),
        [("B0B", "Tea", ("Books",))],
    ),
    "Last.fm 360K plays": (
        f"{'0' * 40}\t{MBID}\tbetty blowtorch\t2137\n",
        [("0" * 40, MBID, "play", 2_137), (MBID, "betty blowtorch", ())],
    ),
    "Last.fm 360K profiles": (
        f"{'0' * 40}\tf\t22\tGermany\tFeb 1, 2007\n",
        [("0" * 40, {"gender": "f", "age": 22, "country": "Germany", "signup": "Feb 1, 2007"})],
    ),
    "Last.fm 1K plays": (
        f'user_000001\t2009-05-04T23:08:57Z\t{MBID}\t"Weird Al" Yankovic\t\tFuniculi\n',
        [("user_000001", MBID, "play", None), (MBID, '"Weird Al" Yankovic', ())],
    ),
    "Last.fm 1K profiles": (
        "#id\tgender\tage\tcountry\tregistered\nuser_000001\tm\t\tJapan\tAug 13, 2006\n",
        [("user_000001", {"gender": "m", "country": "Japan", "registered": "Aug 13, 2006"})],
    ),
    "Last.fm HetRec plays": ("userID\tartistID\tweight\n2\t51\t13883\n", [("2", "51", "play", 13_883)]),
    "Last.fm HetRec artists": (
        'id\tname\turl\tpictureURL\n51\t"Weird Al" Yankovic\thttp://x/y\thttp://x/z.jpg\n',
        [("51", '"Weird Al" Yankovic', ())],
    ),
    "Amazon Personalize items": ("ITEM_ID,CATEGORY_L1,CATEGORY_L2\n1,Toys,Games\n", [("1", None, ("Toys", "Games"))]),
    "Amazon Personalize interactions": (
        "USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE,EVENT_VALUE\n1,2,1700000000,watch,0.5\n",
        [("1", "2", "watch", 0.5)],
    ),
    "GA4 export": (
        orjson.dumps(GA4).decode() + "\n" + orjson.dumps({**GA4, "event_name": "page_view", "items": []}).decode(),
        [
            ("#session#123.456", "mug", "purchase", 4.5),
            ("mug", "Mug", ("Kitchen",)),
            ("#session#123.456", "tea", "purchase", 3),
            ("tea", "Tea", ()),
        ],
    ),
    "GA4 export, one item a row": (
        (
            "event_name,event_timestamp,user_pseudo_id,user_id,item_id,item_name\n"
            "view_item_list,1611234567890123,123.456,ann,mug,Mug\n"
            "session_start,1611234567890123,123.456,ann,,\n"
            "view_promotion,1611234567890123,123.456,ann,(not set),(not set)\n"
        ),
        [("ann", "mug", "impression", None), ("mug", "Mug", ())],
    ),
    "Gorse events": (
        "feedback_type,user_id,item_id,time_stamp\nstar,ann,mug,2023-01-02 03:04:05 +0000 UTC\n",
        [("ann", "mug", "star", None)],
    ),
    "Gorse items": (
        "item_id,is_hidden,categories,time_stamp,labels,description\nmug,false,kitchen|gifts,2023-01-02,,A mug\n",
        [("mug", None, ("kitchen", "gifts"))],
    ),
    "Recombee purchases": (
        "userId,itemId,timestamp,amount,price,profit\nann,mug,1700000000,1,4.5,1\n",
        [("ann", "mug", "purchase", 4.5)],
    ),
    "Recombee detail views": (
        "userId,itemId,timestamp,duration\nann,mug,1700000000.5,30\n",
        [("ann", "mug", "view", None)],
    ),
}


def short(body: Any) -> tuple[Any, ...]:
    """What distinguishes a record: of an event, an item or a user."""
    if hasattr(body, "event_type"):
        return body.owner, body.item_id, body.event_type, body.value
    return (body.item_id, body.title, body.categories) if hasattr(body, "item_id") else (body.user_id, body.properties)


class TestLayouts:
    def test_every_layout_has_an_example(self) -> None:
        assert {layout.name for layout in LAYOUTS} == UNUSED.keys() | RECORDS.keys()

    @pytest.mark.parametrize("name", RECORDS)
    def test_a_file_of_a_known_layout_is_read_without_a_mapping(self, tmp_path: Path, name: str) -> None:
        text, expected = RECORDS[name]
        layout: Layout = next(layout for layout in LAYOUTS if layout.name == name)

        records, bad = read(written(tmp_path, "x.dat", text.encode(layout.encoding or "utf-8")), Options())

        assert bad == []
        assert [short(record) for record in records] == expected

    @pytest.mark.parametrize("name", UNUSED)
    def test_a_file_of_no_use_is_left_out_with_the_reason(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(FileUnused, match=name.replace(".", r"\.")):
            read(written(tmp_path, "x.csv", UNUSED[name]), Options())

    def test_rows_of_sales_without_a_customer_are_no_bad_events(self, tmp_path: Path) -> None:
        text = RECORDS["Online Retail"][0]
        path = written(tmp_path, "x.csv", text + text.splitlines()[1].replace("17850.0", "") + "\n")

        records, bad = read(path, Options("events"))

        assert ([short(record) for record in records], bad) == ([("17850", "85123A", "return", 6)], [])

    def test_a_mapping_changes_a_layout(self, tmp_path: Path) -> None:
        path = written(tmp_path, "x.csv", RECORDS["MovieLens movies"][0])

        records, _ = read(path, Options(mapping={"title": "genres", "categories": "title"}))

        assert [short(record) for record in records] == [("1", "(no genres listed)", ("Heat (1995)",))]
