"""What people and ladders count on and this process has not: a channel nobody set up here.

A step that names no channel of ours is skipped without a word when it is needed, at night; so it
is said while somebody is looking.
"""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from pullcord.channels.port import Channel
from pullcord.config.configuration import Configuration
from pullcord.owner.reach import ReachStep
from pullcord.owner.roster import Person


def lacking(
    configuration: Configuration,
    people: Mapping[str, Person],
    channels: Mapping[str, Channel],
) -> Iterator[str]:
    """One sentence for each way that is counted on and not there."""
    for ladder in configuration.ladders.values():
        for rung in ladder.rungs:
            yield from _missing(f"ladder {ladder.id}", rung.reach, channels)
    for someone in people.values():
        steps = (*someone.reach.steps, *someone.reach.urgent)
        yield from _missing(someone.name, steps, channels)
    waking = [
        ladder.id
        for ladder in configuration.ladders.values()
        if any(rung.wakes for rung in ladder.rungs)
    ]
    if waking and not any(each.can.wakes for each in channels.values()):
        yield (
            f"ladder {', '.join(waking)} says wake, and no channel that is set up here wakes "
            "anybody; sms and voice do"
        )


def _missing(
    whose: str, steps: tuple[ReachStep, ...], channels: Mapping[str, Channel]
) -> Iterator[str]:
    for name in dict.fromkeys(each.channel for each in steps):
        if name not in channels:
            near = get_close_matches(name, channels, n=1)
            hint = f"; did you mean {near[0]}?" if near else "; see `pullcord channels list`"
            yield f"{whose} is reached by {name}, which is not set up here{hint}"
