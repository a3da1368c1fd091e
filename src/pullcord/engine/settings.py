"""Settings of one Pullcord process; each has a limit and a reason."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Settings:
    """How this process serves; the command line and environment fill it."""

    #: address people and agents use, without a slash at the end
    public_url: str = "http://127.0.0.1:8710"
    #: how long a sign-in lasts
    session_for: timedelta = timedelta(hours=12)
    #: age of a policy after which an SDK asks the server again
    policy_stale_for: timedelta = timedelta(seconds=60)
    #: how long a status page can be opened after the escalation ended
    status_for: timedelta = timedelta(days=30)
    #: signed webhook for every message; empty for none
    webhook_url: str = ""
    #: one secret, or two with a space between while it is changed
    webhook_secret: str = ""
    #: where webhooks may answer whoever asked: places under which an agent names an address
    webhook_answers: tuple[str, ...] = ()
    #: hosts inside that channels may call: names, addresses, networks; all others must be outside
    internal_hosts: tuple[str, ...] = ()
    #: address pinged while all is well; empty for none
    heartbeat_url: str = ""
    #: what this process is called among the engines of its database
    process: str = "engine"
    #: options of each further channel by its name; see `channels.offered`
    channels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
