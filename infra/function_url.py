"""The templates of a stage whose front door is the function's own URL instead of API Gateway's HTTP API."""

import json
from typing import Any

from infra.variants import Template, functions

API = {"Ref": "HttpApi"}
GONE = ("HttpApi", "HttpPermission", "Domain", "DomainRecord")
"""Resources of the HTTP API, beside those that name it as their `ApiId`."""
PARAMETERS = ("DomainName", "HeavyRequestsPerSecond", "JwtAudience", "JwtIssuer")
CONDITIONS = ("ChecksTokens", "HasDomain", "HasZone")
OUTPUTS = ("DomainTarget", "HttpApiId")
ALIAS = {"Ref": "ApiFunction.Alias"}
METRICS = {"Count": "UrlRequestCount", "4xx": "Url4xxCount", "5xx": "Url5xxCount", "Latency": "UrlRequestLatency"}
"""Metrics of an HTTP API, and of a URL."""


def without_gateway(template: Template) -> Template:
    """Returns the application's template with a function URL, which calls the same alias; sockets are unchanged."""
    resources = template["Resources"]
    for name, made in list(resources.items()):
        if name in GONE or made.get("Properties", {}).get("ApiId") == API:
            del resources[name]
    for part, names in (("Parameters", PARAMETERS), ("Conditions", CONDITIONS), ("Outputs", OUTPUTS)):
        for name in names:
            del template[part][name]
    resources |= {
        "Url": _url(),
        "UrlPermission": _permission(Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE"),
        "UrlCallPermission": _permission(Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True),
    }
    # Without the slash at the end, as the address of an HTTP API.
    host = {"Fn::Select": [2, {"Fn::Split": ["/", {"Fn::GetAtt": ["Url", "FunctionUrl"]}]}]}
    template["Outputs"]["Url"] = {"Value": {"Fn::Join": ["", ["https://", host]]}}
    _measure_url(resources["ApiFailuresAlarm"]["Properties"])
    functions(template)["ApiFunction"]["Environment"]["Variables"]["SERENDIP_FRONT"] = "url"
    template["Description"] = template["Description"].replace("HTTP and WebSocket APIs", "function URL, WebSocket API")
    return template


def _url() -> dict[str, Any]:
    """It has no CORS configuration, by which Lambda would answer preflights: the application does."""
    reason = {"id": "CKV_AWS_258", "comment": "The application checks its own keys and tokens"}
    properties = {
        "TargetFunctionArn": {"Fn::GetAtt": ["ApiFunction", "Arn"]},
        "Qualifier": {"Fn::Select": [7, {"Fn::Split": [":", ALIAS]}]},  # so that the alias is made first
        "AuthType": "NONE",
        "InvokeMode": "BUFFERED",
    }
    return {"Type": "AWS::Lambda::Url", "Metadata": {"checkov": {"skip": [reason]}}, "Properties": properties}


def _permission(**properties: object) -> dict[str, Any]:
    """Everyone may call the URL; the two permissions that it needs allow no call of the function in another way."""
    return {"Type": "AWS::Lambda::Permission", "Properties": {"FunctionName": ALIAS, "Principal": "*", **properties}}


def _measure_url(alarm: dict[str, Any]) -> None:
    """The function has one URL, so the metrics of its name are those of the URL."""
    alarm |= {
        "AlarmDescription": alarm["AlarmDescription"].replace("HTTP API", "function URL"),
        "Namespace": "AWS/Lambda",
        "MetricName": METRICS[alarm["MetricName"]],
        "Dimensions": [{"Name": "FunctionName", "Value": {"Fn::Sub": "${TablePrefix}api"}}],
    }


def watching_url(template: Template) -> Template:
    """Returns the template of alarms and the dashboard for a stage with a function URL."""
    _measure_url(template["Resources"]["SlowAnswers"]["Properties"])
    dashboard = template["Resources"]["Dashboard"]["Properties"]["DashboardBody"]
    body = json.loads(dashboard["Fn::Sub"][0])
    for widget in body["widgets"]:
        properties = widget["properties"]
        properties["title"] = properties["title"].replace("HTTP API", "Function URL")
        for metric in properties.get("metrics", ()):
            if metric[0] == "AWS/ApiGateway":
                metric[:4] = ["AWS/Lambda", METRICS[metric[1]], "FunctionName", "${TablePrefix}api"]
    dashboard["Fn::Sub"] = json.dumps(body)
    return template
