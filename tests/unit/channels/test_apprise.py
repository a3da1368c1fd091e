"""The long tail: which addresses are taken, what a log may hold, and what becomes of a letter."""

import asyncio
import importlib.util
import sys
import threading
from typing import Any

import pytest

from pullcord.channels import apprise
from pullcord.channels.apprise import AppriseChannel, Service, Told, sent_of, services_of, text_of
from pullcord.channels.offered import Surroundings, made
from pullcord.channels.port import Line, Outcome
from pullcord.errors import InvalidInput
from tests.conformance.channels.apprise_double import TOKEN, TOPIC, AppriseDouble
from tests.conformance.channels.double import Fault
from tests.unit.channels.letters import NOW, letter

AROUND = Surroundings("https://x", lambda: NOW)


@pytest.mark.parametrize(
    "url",
    [
        "json://127.0.0.1/x", "xmls://internal", "form://10.0.0.1", "syslog://", "dbus://",
        "file:///etc/passwd", "apprise://host/key", "mailto://a:b@c", "discord", "://x", "",
    ],
)  # fmt: skip
def test_a_service_that_is_not_on_the_list_is_refused(url: str) -> None:
    """Some post anywhere, some work on this machine; none of their secrets is repeated."""
    with pytest.raises(InvalidInput, match="PULLCORD_APPRISE_URLS") as caught:
        services_of(url)

    assert "passwd" not in str(caught.value)


@pytest.mark.parametrize("word", ["verify=no", "verify=False", "VERIFY=0", "redirect=yes"])
def test_nobody_switches_certificates_off_in_an_address(word: str) -> None:
    """One word, and anybody on the way reads along."""
    with pytest.raises(InvalidInput, match="address 2") as caught:
        services_of(f"discord://1/secret ntfys://host/topic?{word}")

    assert "secret" not in str(caught.value)
    assert "topic" not in str(caught.value)


def test_an_address_is_kept_without_being_shown() -> None:
    """A traceback that shows it gives it away."""
    (service,) = services_of("ntfys://token@host/topic?priority=high&verify=yes")

    assert repr(service) == "ntfys://…"
    assert service.secret == "ntfys://token@host/topic?priority=high&verify=yes&redirect=no"


def test_too_many_addresses_are_refused() -> None:
    """One letter waits for each of them."""
    with pytest.raises(InvalidInput, match="1 to 10"):
        services_of("discord://1/2 " * 11)


async def test_it_tells_its_services_and_names_who_did_not_take_it() -> None:
    """One that takes it is enough; the other stands beside it in the receipt."""
    async with AppriseDouble.opened() as double:
        channel = double.channel(urls=f"{double.service} gotify://127.0.0.1:9/{TOKEN}")
        sent = await channel.send(letter(headline="An escalation needs you"))
        await channel.close()

    assert (sent.outcome, sent.detail) == (Outcome.ACCEPTED, "1 of 2 took it; gotify: no answer")
    assert double.arrived()[0].text.startswith("An escalation needs you\n")


async def test_what_the_library_logs_leaves_this_channel_nowhere(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It logs topics and addresses when something fails, which is when logs are read."""
    async with AppriseDouble.opened() as double:
        channel = double.channel()
        for fault in Fault:
            double.faults(fault)
            await channel.send(letter())
        await channel.close()

    assert TOPIC not in caplog.text
    assert TOKEN not in caplog.text


async def test_an_address_the_library_cannot_read_is_named_by_its_kind() -> None:
    """Somebody must mend it; another try is no help."""
    channel = AppriseChannel("discord://only-half")

    sent = await channel.send(letter())
    await channel.close()

    assert sent.outcome is Outcome.FAILED
    assert sent.detail.startswith("discord: Apprise cannot read this address")


async def test_a_service_that_hangs_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread cannot be stopped, only no longer waited for."""
    let_go = threading.Event()

    def hangs(*_: Any, **__: Any) -> list[Told]:
        let_go.wait()
        return []

    monkeypatch.setattr(apprise, "_all_told", hangs)
    channel = AppriseChannel("discord://1/2", seconds=0.05)

    sent = await channel.send(letter())
    let_go.set()
    await channel.close()

    assert (sent.outcome, sent.detail) == (Outcome.RETRY, "no answer within 0.05 s")


async def test_a_library_that_breaks_breaks_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """170 services by many hands; the text of what broke may hold an address."""

    def breaks(*_: Any, **__: Any) -> list[Told]:
        raise KeyError("ntfy://secret")

    monkeypatch.setattr(apprise, "_all_told", breaks)
    channel = AppriseChannel("discord://1/2")

    sent = await channel.send(letter())
    await channel.close()

    assert (sent.outcome, sent.detail) == (Outcome.RETRY, "Apprise failed with KeyError")


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([403], Outcome.FAILED),
        ([404, 410], Outcome.FAILED),
        ([429], Outcome.RETRY),
        ([500], Outcome.RETRY),
        ([0], Outcome.RETRY),
        ([404, 500], Outcome.RETRY),
    ],
)
def test_another_try_is_made_where_it_may_help(statuses: list[int], outcome: Outcome) -> None:
    """As long as one of them may still take it."""
    service = Service("ntfy", "ntfy://x")
    told = [Told(service, is_taken=False, status=each) for each in statuses]

    assert sent_of(told).outcome is outcome


def test_a_text_says_how_it_stands_and_keeps_its_link() -> None:
    """Whatever must give way, the address stays."""
    lines = tuple(Line(NOW, "news " * 50, f"https://x.y/{n}") for n in range(20))

    long = text_of(letter(lines=lines, standing="Maria has it."))
    short = text_of(letter(rule="", standing="Maria has it.", headline="Maria has it."))

    assert len(long) <= 1_500
    assert long.startswith("Maria has it.\n")
    assert long.endswith("/escalations/esc_1")
    assert short == "https://pull.example/escalations/esc_1"


def test_without_the_library_the_start_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not with the first letter."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

    with pytest.raises(InvalidInput, match=r"pullcord\[apprise\]"):
        made("apprise", {"urls": "discord://1/2"}, AROUND)


async def test_the_library_is_loaded_with_the_first_letter() -> None:
    """A second of loading and 44 MB are paid by those who send with it."""
    program = (
        "import sys, pullcord.channels.apprise as a; a.AppriseChannel('discord://1/2');"
        "print('apprise' in sys.modules)"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()

    assert said.strip() == b"False"
