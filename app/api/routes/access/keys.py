"""/v1/keys"""

from datetime import timedelta

from fastapi import APIRouter

from app.api.http.dependencies import KeyId, ServicesDep
from app.api.http.idempotency import RepeatableRoute
from app.api.http.responses import responses
from app.api.http.security import ProjectForKeys
from app.api.schemas.access.keys import KeyIn, KeyList, KeyPatch, KeyView, NewKeyView, RotationIn

router = APIRouter(prefix="/v1", tags=["keys"], route_class=RepeatableRoute)


@router.post("/keys", status_code=201)
def create_key(body: KeyIn, project: ProjectForKeys, services: ServicesDep) -> NewKeyView:
    """Create an API key. Only this response contains the key itself."""
    key, text = services.keys.create(
        project,
        body.name,
        frozenset(body.scopes),
        expires_at=body.expires_at,
        origins=body.origins,
        needs_user_token=body.needs_user_token,
        limits=body.limits.record() if body.limits else None,
        user_limits=body.user_limits.record() if body.user_limits else None,
    )
    return NewKeyView.with_text(key, services.limiter.use(key), text)


@router.get("/keys")
def list_keys(project: ProjectForKeys, services: ServicesDep) -> KeyList:
    """List the keys of the project (at most 100), oldest first, including keys that ended in the last 30 days."""
    keys = services.keys.list_all(project)
    uses = services.limiter.uses(project, {key.key_id: key.limits for key in keys})
    return KeyList(keys=[KeyView.of(key, uses.get(key.key_id)) for key in keys])


@router.get("/keys/{key_id}", responses=responses(404))
def get_key(key_id: KeyId, project: ProjectForKeys, services: ServicesDep) -> KeyView:
    """Get the scopes, limits and last use of a key, and how much of its limits is used."""
    key = services.keys.get(project, key_id)
    return KeyView.of(key, services.limiter.use(key))


@router.patch("/keys/{key_id}", responses=responses(404, 409))
def patch_key(key_id: KeyId, body: KeyPatch, project: ProjectForKeys, services: ServicesDep) -> KeyView:
    """Change the name, origins, limits or expiry of a key. Changes apply within a minute."""
    key = services.keys.change(project, key_id, body.changes())
    return KeyView.of(key, services.limiter.use(key))


@router.post("/keys/{key_id}:rotate", status_code=201, responses=responses(404))
def rotate_key(key_id: KeyId, body: RotationIn, project: ProjectForKeys, services: ServicesDep) -> NewKeyView:
    """Create a key with the same scopes; the old key ends after the overlap."""
    key, text = services.keys.rotate(project, key_id, timedelta(seconds=body.overlap_seconds))
    return NewKeyView.with_text(key, services.limiter.use(key), text)


@router.delete("/keys/{key_id}", status_code=204, responses=responses(404, 409))
def revoke_key(key_id: KeyId, project: ProjectForKeys, services: ServicesDep) -> None:
    """Revoke a key. It ends within a minute."""
    services.keys.revoke(project, key_id)
