"""Encode principals as JSON values, for rows of connections and for tickets."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.domain.access import USER_LIMITS, Limits, Principal, Scope


def principal_facts(principal: Principal) -> dict[str, Any]:
    facts = asdict(principal)
    usual = {"user_limits": asdict(USER_LIMITS), "shares_limits": False}  # earlier releases do not know these
    facts = {name: value for name, value in facts.items() if name not in usual or value != usual[name]}
    return {
        **facts,
        "scopes": sorted(scope.value for scope in principal.scopes),
        "ends_at": principal.ends_at.isoformat() if principal.ends_at else None,
    }


def principal_of(facts: Mapping[str, Any]) -> Principal:
    """Decodes the JSON values of `principal_facts`."""
    return Principal(
        **{
            **facts,
            "scopes": frozenset(map(Scope, facts["scopes"])),
            "limits": Limits(**facts["limits"]),
            "user_limits": Limits(**facts["user_limits"]) if "user_limits" in facts else USER_LIMITS,
            "ends_at": datetime.fromisoformat(facts["ends_at"]) if facts["ends_at"] else None,
        }
    )
