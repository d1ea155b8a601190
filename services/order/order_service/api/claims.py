"""The route that other instances use to claim a name kept here."""

from __future__ import annotations

import msgspec
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from order_service.api.dispatch import Dispatch
from order_service.api.peers import CLAIMS_PATH, Claimed
from order_service.commands.claim_name import ClaimName


class ClaimBody(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: str = Field(max_length=500)
    instance: str = Field(max_length=64)
    fingerprint: str = Field(max_length=64)


def claims_router(dispatch: Dispatch) -> APIRouter:
    """Between instances only, so not in the API's description."""
    router = APIRouter(include_in_schema=False)

    @router.post(CLAIMS_PATH)
    async def claim(body: ClaimBody) -> Response:
        holder = await dispatch.keep(
            ClaimName(name=body.name, instance=body.instance, fingerprint=body.fingerprint)
        )
        return Response(msgspec.json.encode(Claimed(holder)), media_type="application/json")

    return router
