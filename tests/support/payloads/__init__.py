"""Lambda events for HTTP requests through API Gateway and function URLs, as documented by AWS."""

from base64 import b64encode
from typing import Any
from urllib.parse import parse_qsl

URL_ID = "a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6"
Request = tuple[str, str, dict[str, str], bytes | None]
"""Method, target with its query, headers, body."""


def http_api(request: Request) -> dict[str, Any]:
    """Builds an event in payload format 2.0."""
    method, target, headers, body = request
    path, _, query = target.partition("?")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "cookies": [],
        "headers": {"host": "a1b2.execute-api.eu-west-1.amazonaws.com", "x-forwarded-port": "443", **headers},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2",
            "domainName": "a1b2.execute-api.eu-west-1.amazonaws.com",
            "http": {
                "method": method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.9",
                "userAgent": "test",
            },
            "requestId": "JKJaXmPLvHcESHA=",
            "routeKey": "$default",
            "stage": "$default",
            "timeEpoch": 1769860800000,
        },
        **(
            {"body": b64encode(body).decode(), "isBase64Encoded": True}
            if body is not None
            else {"isBase64Encoded": False}
        ),
    }


def function_url(request: Request) -> dict[str, Any]:
    """Builds the event of a function URL without authentication: format 2.0 with its own context and text bodies."""
    event, host = http_api(request), f"{URL_ID}.lambda-url.eu-west-1.on.aws"
    del event["cookies"]
    event["headers"] |= {
        "host": host,
        "x-amzn-tls-cipher-suite": "TLS_AES_128_GCM_SHA256",
        "x-amzn-tls-version": "TLSv1.3",
        "x-amzn-trace-id": "Root=1-62ecd163-5f302e550dcde3b12402207d",
        "x-forwarded-for": "203.0.113.9",
        "x-forwarded-proto": "https",
    }
    event["requestContext"] |= {
        "accountId": "anonymous",
        "apiId": URL_ID,
        "domainName": host,
        "domainPrefix": URL_ID,
        "requestId": "5e7a9d2c-0b6f-4f6e-9a53-6f0c2d1c7b11",
        "time": "31/Jan/2026:12:00:00 +0000",
    }
    body = request[3]
    if body is not None:
        event |= {"body": body.decode(), "isBase64Encoded": False}
    return event


def rest_api(request: Request) -> dict[str, Any]:
    """Builds an event in payload format 1.0."""
    method, target, headers, body = request
    path, _, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    full = {"Host": "a1b2.execute-api.eu-west-1.amazonaws.com", "X-Forwarded-Port": "443", **headers}
    return {
        "version": "1.0",
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": full,
        "multiValueHeaders": {name: [value] for name, value in full.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": several or None,
        "pathParameters": {"proxy": path.lstrip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "a1b2",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.9", "userAgent": "test"},
            "path": path,
            "protocol": "HTTP/1.1",
            "requestId": "id=",
            "requestTimeEpoch": 1769860800000,
            "resourcePath": "/{proxy+}",
            "stage": "$default",
        },
        "body": body.decode() if body is not None else None,
        "isBase64Encoded": False,
    }


FORMS = {"v2": http_api, "v1": rest_api, "function-url": function_url}
