"""A valid JSON body for each route that takes one, for tests that walk over openapi.json."""

from __future__ import annotations

from typing import Any

from app.auth.passwords import generate

ROUTING = {"default_group": "general_support"}
BODIES: dict[str, Any] = {
    "PUT /api/v1/me/password": {"old_password": "wrong-one", "new_password": generate()},
    "PUT /api/v1/me/presence": {"status": "away"},
    "POST /api/v1/me/off-shift": {"in_s": 3600},
    "POST /api/v1/sessions/{sid}/transfer": {"to_group": "general_support"},
    "POST /api/v1/sessions/{sid}/close": {"reason": "because"},
    "POST /api/v1/sessions/{sid}/messages": {"client_id": "walk", "text": "插话"},
    "POST /api/v1/sessions/{sid}/assign": {"kf_account": "amy", "reason": "because"},
    "POST /api/v1/sessions/{sid}/takeover": {"reason": "because"},
    "POST /api/v1/sessions/{sid}/typing": {"active": True},
    "POST /api/v1/sessions/{sid}/view": {"active": True, "visible": True},
    "POST /api/v1/sessions/{sid}/whisper": {"text": "悄悄话", "reason": "because"},
    "PATCH /api/v1/customers/{openid}": {"remark": "改了", "tags": ["改了"]},
    "PUT /api/v1/customers/{openid}/facts": {"vip_level": 9},
    "POST /api/v1/customers/{openid}/notes": {"text": "偷看"},
    "PATCH /api/v1/customers/{openid}/notes/{note_id}": {"text": "改了"},
    "POST /api/v1/canned-replies": {"title": "新的", "text": "新的", "shared": False},
    "PATCH /api/v1/canned-replies/{reply_id}": {"text": "改了"},
    "POST /api/v1/admin/customers/{openid}/erase": {"reason": "because"},
    "POST /api/v1/admin/groups": {"name": "walked", "title": "新组"},
    "PUT /api/v1/admin/groups/{name}": {"title": "改了"},
    "POST /api/v1/admin/integrations": {"name": "walk"},
    "POST /api/v1/admin/kf-accounts": {"kf_account": "walk", "nickname": "新号"},
    "POST /api/v1/admin/kf-accounts/sync": {},
    "PATCH /api/v1/admin/kf-accounts/{kf_account}": {"nickname": "改了"},
    "POST /api/v1/admin/kf-accounts/{kf_account}/invite": {"invite_wx": "wx_walk"},
    "PUT /api/v1/admin/notices/{key}": {"text": "改了"},
    "POST /api/v1/admin/people": {"username": "walked", "role": "agent"},
    "PATCH /api/v1/admin/people/{person_id}": {"display_name": "改了"},
    "PUT /api/v1/admin/people/{person_id}/password": {"generate": True},
    "POST /api/v1/admin/ring/preview": {},
    "PUT /api/v1/admin/routing": ROUTING,
    "POST /api/v1/admin/routing/restore": {"version": 0},
    "POST /api/v1/admin/routing/preview": {"facts": {}},
    "PUT /api/v1/admin/routing/transfers": {"keywords": []},
}
