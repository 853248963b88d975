"""Lambda events of a WebSocket API, as documented by AWS."""

from typing import Any


def _event(connection_id: str, route: str, kind: str) -> dict[str, Any]:
    return {
        "requestContext": {
            "routeKey": route,
            "eventType": kind,
            "extendedRequestId": "GdI3vH4tDoEFZ6g=",
            "requestTime": "31/Jan/2026:12:00:00 +0000",
            "messageDirection": "IN",
            "stage": "live",
            "connectedAt": 1769860800000,
            "requestTimeEpoch": 1769860800000,
            "identity": {"userAgent": "test", "sourceIp": "203.0.113.9"},
            "requestId": "GdI3vH4tDoEFZ6g=",
            "domainName": "s1b2.execute-api.eu-west-1.amazonaws.com",
            "connectionId": connection_id,
            "apiId": "s1b2",
        },
        "isBase64Encoded": False,
    }


def connect(connection_id: str, headers: dict[str, str], **query: str) -> dict[str, Any]:
    full = {"Host": "s1b2.execute-api.eu-west-1.amazonaws.com", "Sec-WebSocket-Version": "13", **headers}
    event = _event(connection_id, "$connect", "CONNECT")
    event |= {"headers": full, "multiValueHeaders": {name: [value] for name, value in full.items()}}
    if query:
        event |= {
            "queryStringParameters": query,
            "multiValueQueryStringParameters": {name: [value] for name, value in query.items()},
        }
    return event


def message(connection_id: str, text: str) -> dict[str, Any]:
    event = _event(connection_id, "$default", "MESSAGE") | {"body": text}
    event["requestContext"]["messageId"] = "GdI3vdIhjoECIBg="
    return event


def disconnect(connection_id: str) -> dict[str, Any]:
    event = _event(connection_id, "$disconnect", "DISCONNECT")
    event["requestContext"] |= {
        "disconnectStatusCode": 1005,
        "disconnectReason": "Client-side close frame status not set",
    }
    event["headers"] = {"Host": "s1b2.execute-api.eu-west-1.amazonaws.com", "x-api-key": ""}
    return event
