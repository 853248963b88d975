"""The template's tables are the models' tables."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from pynamodb.models import Model

from app.storage.schema import MODELS
from tests.data import ROOT

TEMPLATE: dict[str, Any] = cfn_yaml.load(str(ROOT / "infra" / "template.yaml"))


def keys(schema: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return sorted((key["AttributeName"], key["KeyType"]) for key in schema)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
class TestTables:
    def test_keys_indexes_expiry_and_stream_agree(self, model: type[Model]) -> None:
        name = model.Meta.table_name.rpartition("-")[2]
        table = TEMPLATE["Resources"][name.title() + "Table"]["Properties"]
        schema = model._get_schema()  # noqa: SLF001 - PynamoDB's own description of a table

        assert table["TableName"] == {"Fn::Sub": "${TablePrefix}" + name}
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert keys(table["KeySchema"]) == keys(schema["key_schema"])
        ours = {
            index["index_name"]: (keys(index["key_schema"]), index["projection"])
            for index in schema["global_secondary_indexes"]
        }
        theirs = {
            index["IndexName"]: (keys(index["KeySchema"]), index["Projection"])
            for index in table.get("GlobalSecondaryIndexes", [])
        }
        assert theirs == ours
        expiry = table.get("TimeToLiveSpecification", {}).get("AttributeName")
        ours_expiry = model._ttl_attribute()  # type: ignore[no-untyped-call]  # noqa: SLF001
        assert expiry == (ours_expiry.attr_name if ours_expiry else None)
        stream = table.get("StreamSpecification", {}).get("StreamViewType")
        assert stream == getattr(model.Meta, "stream_view_type", None)
