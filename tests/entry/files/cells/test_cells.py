"""Cells as people have them: each is read right or rejected, none silently wrong."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.entry.files.reader import Options
from tests.support.file_cases import Case, days, loads_pair, pairs, properties

CASES: dict[str, Case] = {
    "ticks of .NET and Windows": Case(
        "user_id,item_id,timestamp\nann,tea,638355968000000000\nann,tea,133500000000000000\n",
        rejects=("may be ticks of Windows or .NET", "may be ticks"),
    ),
    "codes": Case(
        "item_id,a,b,c,d\nx,007,1E10,12345678901234567890123,1\ny,008,2E10,1,2\n",
        lambda records: (
            properties(records)
            == [
                {"a": "007", "b": "1E10", "c": "12345678901234567890123", "d": 1},
                {"a": "008", "b": "2E10", "c": "1", "d": 2},
            ]
        ),
    ),
    "one code among numbers": Case(
        "item_id,size\nx,1\ny,2\nz,XL\n",
        lambda records: properties(records) == [{"size": "1"}, {"size": "2"}, {"size": "XL"}],
    ),
    "numbers with gaps and fractions": Case(
        "item_id,size\nx,1\ny,NA\nz,2.5\n",
        lambda records: (
            properties(records) == [{"size": 1.0}, {}, {"size": 2.5}]
            and isinstance(properties(records)[0]["size"], float)
        ),
    ),
    "true and false in every case": Case(
        "item_id,a,b,c\nx,true,yes,1\ny,FALSE,no,0\nz,,yes,\nw,True,no,1\n",
        lambda records: (
            properties(records)
            == [
                {"a": True, "b": "yes", "c": 1},
                {"a": False, "b": "no", "c": 0},
                {"b": "yes"},
                {"a": True, "b": "no", "c": 1},
            ]
        ),
    ),
    "a truth that is a word": Case(
        "item_id,a\nx,true\ny,maybe\n", lambda records: properties(records) == [{"a": "true"}, {"a": "maybe"}]
    ),
    "missing in every spelling": Case(
        "item_id,title,note\nx,NaN,\\N\ny,None,NULL\n",
        lambda records: [(record.title, record.properties) for record in records] == [(None, {})] * 2,
    ),
    "JSON text stays text": Case(
        '{"item_id": "x", "code": "0123", "size": "4", "title": "None"}\n',
        lambda records: (records[0].title, properties(records)) == ("None", [{"code": "0123", "size": "4"}]),
    ),
    "codes of JSON that are integers": Case(
        '{"item_id": 12345678901234567890123, "code": 98765432109876543210, "size": 9007199254740993}\n',
        lambda records: (
            records[0].item_id == "12345678901234567890123"
            and properties(records) == [{"code": "98765432109876543210", "size": "9007199254740993"}]
        ),
    ),
    "a column of JSON with numbers and text": Case(
        '{"item_id": "x", "size": 38, "sizes": [38], "new": true, "weight": 1.50, "note": "None"}\n'
        '{"item_id": "y", "size": "XL", "sizes": [39], "new": "no", "weight": 2, "note": 7}\n',
        lambda records: (
            properties(records)
            == [
                {"size": "38", "sizes": [38], "new": "true", "weight": 1.5, "note": "None"},
                {"size": "XL", "sizes": [39], "new": "no", "weight": 2, "note": "7"},
            ]
        ),
    ),
    "a key that only some objects have": Case(
        '{"item_id": "x"}\n' * 1_001 + '{"item_id": "y", "size": 38}\n{"item_id": "z", "size": "XL"}\n',
        lambda records: properties(records[-2:]) == [{"size": "38"}, {"size": "XL"}],
    ),
    "integers of text beyond 15 digits": Case(
        "item_id,size\nx,9007199254740993\ny,5\n",
        lambda records: properties(records) == [{"size": "9007199254740993"}, {"size": "5"}],
    ),
    "integers of JSON beyond 15 digits": Case(
        '{"item_id": "x", "size": 9007199254740993}\n{"item_id": "y", "size": 5}\n',
        lambda records: properties(records) == [{"size": "9007199254740993"}, {"size": "5"}],
    ),
    "JSON inside a cell with long and repeated numbers": Case(
        "item_id\tproperties\tcategories\n"
        'x\t{"code": 98765432109876543210}\t[98765432109876543210]\ny\t{"a": 1, "a": 2}\t\n',
        lambda records: (
            (properties(records), records[0].categories)
            == ([{"code": "98765432109876543210"}], ("98765432109876543210",))
        ),
        ("properties: '{\"a\": 1, \"a\": 2}' is ambiguous: an object has the name 'a' twice",),
    ),
    "whole ids in one row only": Case("user_id,item_id\n11.0,a\nx,b\n", lambda r: pairs(r)[0] == ("11.0", "a")),
    "ids that a spreadsheet shortened": Case(
        "user_id,item_id\nann,1.23E+15\nann,1E+15\nann,1E15\n",
        lambda records: pairs(records) == [("ann", "1E15")],
        ("item_id: '1.23E+15' was shortened by a spreadsheet", "item_id: '1E+15' was"),
    ),
    "an id of blanks": Case("user_id,item_id\n  ,tea\nann,tea\n", loads_pair, ("user_id is empty",)),
    "ids with other letters": Case(
        "user_id,item_id\njürgen,tea\nann,tea\nann,té\n",
        loads_pair,
        ("'jürgen' is not a valid id: use 1 to 128 ASCII letters (A-Z, a-z), digits or any of", "'té' is not"),
    ),
    "cells that Excel shall show as text": Case(
        'item_id,code,title\n="007","=""0123""",5"\n',
        lambda r: (r[0].item_id, properties(r)) == ("007", [{"code": "0123"}]),
    ),
    "a table of Markdown": Case(
        "| user_id | item_id |\n|---|---|\n| ann | tea |\n", loads_pair, ("'---' has no letter or digit",)
    ),
    "truths of Postgres": Case(
        "item_id,hidden\na,t\nb,f\nc,Y\n", lambda r: [x.hidden for x in r] == [True, False, True]
    ),
    "a long id": Case(f"item_id\n{'x' * 129}\ny\n", lambda r: [x.item_id for x in r] == ["y"], ("1 to 128",)),
    "both categories": Case(
        'item_id,categories\nx,"[""a"", ""b""]"\ny,"[\'a\', \'b\']"\nz,a|b\n',
        lambda records: [record.categories for record in records] == [("a", "b")] * 3,
    ),
    "a long category": Case(f"item_id,category\nx,{'y' * 101}\n", rejects=("categories: 'yyy",)),
    "microseconds": Case(
        "user_id,item_id,timestamp\nann,tea,1700000000000000\n",
        lambda records: records[0].timestamp == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
    ),
    "seconds of 1970 with their unit": Case(
        "user_id,item_id,timestamp\nann,tea,86400\n",
        lambda records: records[0].timestamp == datetime(1970, 1, 2, tzinfo=UTC),
        options=Options(time_unit="s"),
    ),
    "days since 1900": Case(
        "user_id,item_id,timestamp\nann,tea,45962\n", rejects=("'45962' seems to be a day number of Excel",)
    ),
    "a day that does not exist": Case("user_id,item_id,timestamp\nann,tea,2026-02-30\n", rejects=("'2026-02-30'",)),
    "a date that may be two": Case(
        "user_id,item_id,timestamp\nann,tea,02/03/2026\n",
        rejects=("'02/03/2026' may have the day or the month first: name the form, --date-format",),
    ),
    "American dates": Case(
        "user_id,item_id,timestamp\nann,tea,12/1/2010 8:26\nann,tea,12/13/2010 8:26\n",
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "European dates": Case(
        "user_id,item_id,timestamp\nann,tea,01/12/2010\nann,tea,13/12/2010\n",
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "dates of both kinds": Case(
        "user_id,item_id,timestamp\nann,tea,01/02/2010\nann,tea,13/02/2010\nann,tea,02/13/2010\n",
        lambda records: days(records) == [(2, 13), (2, 13)],
        ("'01/02/2010' may have",),
    ),
    "American dates of JSON": Case(
        '{"user_id": "ann", "item_id": "tea", "timestamp": "12/1/2010"}\n'
        '{"user_id": "ann", "item_id": "tea", "timestamp": "12/13/2010"}\n',
        lambda records: days(records) == [(12, 1), (12, 13)],
    ),
    "dates with their form": Case(
        "user_id,item_id,timestamp\nann,tea,02/03/26\nann,tea,2026-03-02\n",
        lambda records: days(records) == [(3, 2)],
        ("does not have the form %d/%m/%y",),
        options=Options(date_format="%d/%m/%y"),
    ),
    "a German sales export": Case(
        "user_id;item_id;value;timestamp\nann;tea;1.234,56;01.12.2010 08:26\nbob;tea;-3,5;13.12.2010 08:26\n",
        lambda records: [r.value for r in records] == [1234.56, -3.5] and days(records) == [(12, 1), (12, 13)],
        options=Options(decimal=","),
    ),
    "decimal commas nobody named": Case(
        "user_id;item_id;value\nann;tea;12,50\n", rejects=("for a decimal comma, name it: --decimal ,",)
    ),
    "German prices": Case(
        "item_id;price;size;code;weight\na;1.234,56;7;007;0,5\nb;8;1.250;1,5;1 000,25\n",
        lambda records: (
            properties(records)
            == [
                {"price": 1234.56, "size": 7, "code": "007", "weight": 0.5},
                {"price": 8.0, "size": 1250, "code": "1,5", "weight": 1000.25},
            ]
        ),
        options=Options(decimal=","),
    ),
    "points where commas are named": Case(
        "item_id;price\na;12.5\n", lambda r: properties(r) == [{"price": "12.5"}], options=Options(decimal=",")
    ),
    "a time in the future": Case("user_id,item_id,timestamp\nann,tea,2999-01-01\n", rejects=("future",)),
    "an empty time": Case("user_id,item_id,timestamp\nann,tea,NaT\n", lambda r: r[0].timestamp.year < 2002),
}


@pytest.mark.parametrize("name", CASES)
class TestCases:
    def test_a_file_is_read_right_or_refused(self, tmp_path: Path, name: str) -> None:
        CASES[name].check(tmp_path)
