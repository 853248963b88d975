from pynamodb.attributes import NumberAttribute, TTLAttribute, UnicodeAttribute
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from app.storage import pynamo


class _ByKind(GlobalSecondaryIndex):  # type: ignore[no-untyped-call, type-arg]
    class Meta:
        index_name = "kind"
        projection = KeysOnlyProjection()

    kind = UnicodeAttribute(hash_key=True)


class _Row(Model):
    class Meta:
        table_name = "rows"
        region = "us-east-1"

    key = UnicodeAttribute(hash_key=True)
    position = NumberAttribute(range_key=True)
    kind = UnicodeAttribute(null=True)
    expires_at = TTLAttribute(null=True)
    by_kind = _ByKind()


class _Lasting(Model):
    class Meta:
        table_name = "lasting"

    key = UnicodeAttribute(hash_key=True)


class TestPynamo:
    def test_a_schema_has_keys_attributes_and_indexes(self) -> None:
        schema = pynamo.schema_of(_Row)

        keys = [{"AttributeName": "key", "KeyType": "HASH"}, {"AttributeName": "position", "KeyType": "RANGE"}]
        assert schema["key_schema"] == keys
        definitions = {entry["AttributeName"]: entry["AttributeType"] for entry in schema["attribute_definitions"]}
        assert definitions == {"key": "S", "position": "N", "kind": "S"}
        [index] = schema["global_secondary_indexes"]
        assert index["index_name"] == "kind"
        assert index["key_schema"] == [{"AttributeName": "kind", "KeyType": "HASH"}]
        assert index["projection"] == {"ProjectionType": "KEYS_ONLY"}

    def test_the_ttl_attribute_is_named(self) -> None:
        assert pynamo.ttl_attribute(_Row) == "expires_at"
        assert pynamo.ttl_attribute(_Lasting) is None

    def test_a_connection_knows_the_keys_and_is_replaced_once_forgotten(self) -> None:
        connection = pynamo.connection_of(_Row)

        pynamo.forget_connection(_Row)

        assert pynamo.connection_of(_Row) is not connection
        assert connection.table_name == "rows"
        meta = connection.get_meta_table()
        assert (meta.hash_keyname, meta.range_keyname) == ("key", "position")
