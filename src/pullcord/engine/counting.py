"""Guarded calls that needed no person: recorded in batches, losses counted as well."""

from datetime import UTC, datetime

from pullcord.engine.clock import Clock, Ids
from pullcord.errors import InvalidInput
from pullcord.store.port import AgentKey, CallRecord
from pullcord.wire.requests import CallIn, CallsIn

#: verdict under which calls are recorded that an SDK had to drop
LOST = "lost"


def call_records(key: AgentKey, request: CallsIn, clock: Clock, ids: Ids) -> tuple[CallRecord, ...]:
    """The batch as the store keeps it; a loss becomes one record with its count."""
    records = [_record(key, call, at) for at, call in enumerate(request.calls)]
    if request.lost:
        records.append(
            CallRecord(
                id=ids.new("call"),
                at=clock.now(),
                agent=key.agent,
                agent_key=key.id,
                environment=key.environment,
                run="",
                tool="",
                verdict=LOST,
                rule="",
                policy_version="",
                count=request.lost,
            )
        )
    return tuple(records)


def _record(key: AgentKey, call: CallIn, at: int) -> CallRecord:
    return CallRecord(
        id=call.id,
        at=_instant(call.at, f"calls[{at}].at"),
        agent=key.agent,
        agent_key=key.id,
        environment=key.environment,
        run=call.run,
        tool=call.tool,
        verdict=call.verdict,
        rule=call.rule,
        policy_version=call.policy_version,
        count=call.count,
    )


def _instant(text: str, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is None:
            raise ValueError(text)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(
            field,
            value=text,
            limit="an instant with its zone, such as 2026-11-24T14:30:00Z",
            remedy="Write UTC with a trailing Z.",
        ) from None
