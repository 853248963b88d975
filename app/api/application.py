"""The ASGI application, independent of where it runs."""

from collections.abc import Mapping

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from opentelemetry.trace import TracerProvider

from app.api.cors import Cors
from app.api.http import openapi, problems
from app.api.http.admission import Admission
from app.api.http.deprecation import DEPRECATED, Deprecated, Deprecations
from app.api.http.request_context import RequestContext
from app.api.http.routing.lazy_routes import LazyRoutes, add_routes
from app.api.routes import events, health, recommendations
from app.services.bundle import Services

DESCRIPTION = """
Send items and events; a moment later ask what each user should see next. The [guides](/guide) explain how.

**Credentials.** `X-API-Key: sk_...`, or `Authorization: Bearer ...` with a user token or a JWT of a configured issuer.
They determine the project of a request.

**Errors.** Every error is an RFC 9457 problem document. Its `instance` is the request id, as in `X-Request-Id`.

**Limits.** A body has at most 5 MB, a batch 500 events or 100 items or users, a page 100 records, a response 100 items,
a list of excluded items 500, a record 390 KB. Keys can have a rate and a daily quota, reported in
`RateLimit-Policy`, `RateLimit` and, with 429, `Retry-After`.

**Retries.** PUT, PATCH and DELETE can be repeated safely. POSTs with an effect take an `Idempotency-Key`. Items and
users have ETags for `If-Match` and `If-None-Match`.

**Rules.** `filter` and `boost` are CEL expressions over `item`, `user` and `now`; scenarios store them with everything
else that a list needs.

**Outcomes.** An event with the `recommendation_id` of the response that showed its item counts for the model version,
scenario and recommender of that response; `GET /v1/outcomes` compares them.

**Sockets.** `/v1/socket` (in AWS: a separate address) takes JSON frames with an `action`: `subscribe` gets a user's
list now, and again whenever it changes after an event; see the [guide](/guide/live).

**Versions.** The promise of stability starts with release 1.0 of the project. Until then, the
[changelog](/guide/changelog) lists changes that break clients. From then on, an operation that ends is marked
`deprecated` here, and sends `Deprecation` and `Sunset` headers for at least a year.
"""
VERSION = "1.5.0"
SERVING = (recommendations, events, health)
DEFERRED = {
    "items": ("/v1/items",),
    "users": ("/v1/users",),
    "exports": ("/v1/users", "/v1/export"),
    "erasures": ("/v1/users", "/v1/sessions"),
    "access.user_tokens": ("/v1/users", "/v1/sessions"),
    "scenarios": ("/v1/scenarios",),
    "access.principal": ("/v1/principal",),
    "access.tickets": ("/v1/tickets",),
    "models.versions": ("/v1/models",),
    "jobs": ("/v1/jobs",),
    "feed": ("/v1/events", "/v1/event-failures", "/v1/event-refusals"),
    "deletions": ("/v1/events", "/v1/imports"),
    "senders.segment": ("/v1/events:segment",),
    "senders.ga4": ("/v1/events:ga4",),
    "models.rollout": ("/v1/rollout",),
    "event_types": ("/v1/event-types", "/v1/settings"),
    "models.outcomes": ("/v1/outcomes",),
    "access.keys": ("/v1/keys",),
    "access.projects": ("/v1/projects",),
    "access.usage": ("/v1/usage",),
    "guide": ("/guide", "/llms.txt"),
    "console": ("/", "/console", "/serendip-"),
}
"""Modules that are loaded by the first request for one of their routes, and the prefixes of their paths."""
TAGS = (
    ("items", "What can be recommended."),
    ("users", "Properties of users, their tokens, and the export and erasure of their data."),
    ("events", "What users did."),
    ("event types", "How much events of each type weigh, and what else a project decides."),
    ("recommendations", "What to show a user or session next, and why."),
    ("scenarios", "Stored settings of recommendation lists."),
    ("sockets", "Tickets for live lists."),
    ("models", "Model versions: training, activation, rollback, rollout and outcomes."),
    ("jobs", "Imports, exports, erasures, deletions, undone imports and trainings that take longer than a request."),
    ("keys", "API keys of a project."),
    ("projects", "Projects, for administrators. No project can see another."),
    ("usage", "Requests, events, units and cost by day."),
    ("health", "Checks for load balancers and monitors."),
)


def create_application(
    services: Services,
    tracer_provider: TracerProvider | None = None,
    deprecated: Mapping[str, Deprecated] = DEPRECATED,
) -> FastAPI:
    settings = services.settings
    app: FastAPI = FastAPIOffline(
        title="Serendip",
        version=VERSION,
        description=DESCRIPTION,
        servers=[{"url": "/", "description": "The server of this document."}],
        openapi_tags=[{"name": name, "description": description} for name, description in TAGS],
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
        telemetry={
            "tracing": tracer_provider is not None,
            "tracer_provider": tracer_provider,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
        },
        static_url="/docs/static",
        swagger_ui_parameters={"displayRequestDuration": True, "persistAuthorization": True},
    )
    app.state.services = services
    for module in SERVING:
        add_routes(app, module.router)
    for name, prefixes in DEFERRED.items():
        app.router.routes.append(LazyRoutes(app, f"app.api.routes.{name}", prefixes))
    deprecations = Deprecations(deprecated)
    problems.add_handlers(app)
    openapi.describe(app, deprecations)
    app.add_middleware(Admission, services=services)
    app.add_middleware(RequestContext, settings=settings, deprecations=deprecations)
    app.add_middleware(Cors, origins=settings.cors_origins)
    return app
