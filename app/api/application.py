"""The ASGI application: the contract, and nothing of where it runs."""

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from app.api import events, health, items, models, problems, recommendations, users
from app.api.deps import Services
from app.api.middleware import RequestContext

DESCRIPTION = """
Send items and events; a moment later ask what each user should see next.

Every error is an RFC 9457 problem document. Listings are paged by `next_cursor`.
"""
VERSION = "1.0.0"


def create_application(services: Services) -> FastAPI:
    app: FastAPI = FastAPIOffline(
        title="Serendip",
        version=VERSION,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        separate_input_output_schemas=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        static_url="/docs/static",
        swagger_ui_parameters={"displayRequestDuration": True},
    )
    app.state.services = services
    for module in (items, users, events, recommendations, models, health):
        app.include_router(module.router)
    problems.add_handlers(app)
    problems.describe(app)
    app.add_middleware(
        RequestContext,
        deadline_seconds=services.settings.request_deadline_seconds,
        max_body_bytes=services.settings.max_body_bytes,
    )
    return app
