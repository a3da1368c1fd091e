"""The office: what changes a workspace is checked, recorded on its chain, and undoable."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pullcord.engine import floors as floors_module
from pullcord.engine import policies as policies_module
from pullcord.engine.house import furnish, opened
from pullcord.engine.office import DEMO, TRIES_MAX
from pullcord.engine.proof import Checker, Exporter
from pullcord.engine.settings import Settings
from pullcord.errors import (
    InvalidInput,
    InvalidPolicy,
    NotAllowed,
    NotFound,
    NotSignedIn,
    StoreBusy,
)
from pullcord.owner.roster import Role
from pullcord.path.escalation import ENGINE
from pullcord.seal.keys import digest_of
from pullcord.store.port import WORKSPACE_CHAIN, VersionConflict
from pullcord.store.sqlite import SqliteStore
from pullcord.testing import Town, running_house
from pullcord.testing.town import MASTER
from tests.unit.engine.counter import POLICY, refund, shop, stopped

PASSWORD = "correct horse battery"
HIGHER = POLICY.replace("> 250", "> 1000")


async def kinds(town: Town) -> list[str]:
    """What was recorded on the workspace's own chain."""
    return [each.kind for each in await town.house.store.timeline("shop", WORKSPACE_CHAIN)]


async def facts(town: Town, kind: str) -> dict[str, Any]:
    """The facts of the last entry of this kind."""
    links = await town.house.store.timeline("shop", WORKSPACE_CHAIN)
    last = [each for each in links if each.kind == kind][-1]
    found: dict[str, Any] = json.loads(last.body)["facts"]
    return found


# --- policy and people --------------------------------------------------------------------------


async def test_a_policy_that_is_wrong_changes_nothing() -> None:
    """A typo at night must not leave the house without rules."""
    async with shop() as (town, _):
        office = town.house.office
        before, chain = await town.house.policies.current("shop"), await kinds(town)

        with pytest.raises(InvalidPolicy, match=r"bad\.yaml"):
            await office.apply(POLICY + "surprise: 1\n", by="dana", file="bad.yaml")

        assert await town.house.policies.current("shop") is before
        assert await kinds(town) == chain


async def test_people_of_the_file_are_seeds() -> None:
    """New ones are added, known ones stay as the console has them, nobody is deleted."""
    async with shop() as (town, _):
        office = town.house.office
        await _changed(town, "maria", phone="+491510000009")
        changed = POLICY.replace("  rita:", "  new: {name: New One, email: n@example.com}\n  rita:")
        changed = changed.replace("  tom: {name: Tom Ode", "  tom: {name: Thomas Ode")

        applied = await office.apply(changed, by="dana")

        people = await office.people("shop")
        assert people["maria"].phone == "+491510000009"
        assert people["tom"].name == "Tom Ode"
        assert people["new"].name == "New One"
        assert (await facts(town, "policy_applied"))["added"] == ["new"]
        told = " ".join(applied.warnings)
        assert "people.tom" in told
        assert "people.maria" in told
        assert "people.dana" not in told


async def test_somebody_the_file_no_longer_names_is_still_there() -> None:
    """Deleting a line must not delete who decided last week."""
    async with shop() as (town, _):
        without = POLICY.replace(
            "  rita: {name: Rita Moss, email: rita@example.com, role: auditor}\n", ""
        )

        await town.house.office.apply(without, by="dana")

        assert "rita" in await town.house.office.people("shop")


async def test_contacts_may_come_from_the_environment() -> None:
    """Phone numbers need not stand in a repository."""
    policy = POLICY.replace("maria@example.com", '"${env:MARIA_MAIL}"')
    async with shop() as (town, _):
        office = town.house.office

        with pytest.raises(InvalidPolicy, match="MARIA_MAIL"):
            await office.apply(policy, by="dana")
        await office.apply(
            policy.replace("workspace: shop", "workspace: other"),
            by="dana",
            environ={"MARIA_MAIL": "m@example.com"},
        )

        assert (await office.people("other"))["maria"].email == "m@example.com"


async def test_an_earlier_policy_is_in_force_again_with_one_act() -> None:
    """Rolling back is quicker than finding the mistake."""
    async with shop() as (town, key):
        first = (await town.house.policies.current("shop")).version
        await town.house.office.apply(HIGHER, by="dana")
        allowed = await town.house.desk.open(key, refund())

        back = await town.house.office.roll_back("shop", first, by="dana")

        assert allowed.row is None
        assert back.policy.version == first
        assert await stopped(town, key)
        assert (await facts(town, "policy_rolled_back")) == {"version": first}


async def test_only_what_was_applied_can_be_rolled_back_to() -> None:
    """A version from another workspace is none of this one."""
    async with shop() as (town, _):
        with pytest.raises(NotFound, match="never applied"):
            await town.house.office.roll_back("shop", "p_none", by="dana")
        with pytest.raises(NotFound, match="never applied"):
            await town.house.policies.at("shop", "p_none")
        with pytest.raises(NotFound, match="pullcord apply"):
            await town.house.policies.current("elsewhere")


async def test_many_versions_do_not_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A year of policy changes costs no more memory than a few."""
    monkeypatch.setattr(policies_module, "KEPT_MAX", 2)
    async with shop() as (town, _):
        policies = town.house.policies
        versions = [(await policies.current("shop")).version]
        for limit in (300, 400, 500):
            policy = POLICY.replace("> 250", f"> {limit}")
            versions.append((await town.house.office.apply(policy, by="dana")).policy.version)

        found = [(await policies.at("shop", each)).version for each in versions]

        assert found == versions
        assert (await policies.current("shop")).version == versions[-1]


async def test_a_workspace_act_asks_who_may() -> None:
    """Operators read; leads configure; strangers do neither."""
    async with shop() as (town, _):
        office = town.house.office
        await _changed(town, "tom", is_active=False)

        assert (await office.allow("shop", "dana", "configure")).role is Role.LEAD
        with pytest.raises(NotAllowed):
            await office.allow("shop", "maria", "configure")
        for nobody in ("tom", "nobody"):
            with pytest.raises(NotAllowed, match="not an active person"):
                await office.allow("shop", nobody, "configure")


# --- API keys -------------------------------------------------------------------------------------


async def test_a_key_opens_for_one_agent_in_one_environment_until_revoked() -> None:
    """The agent cannot say who it is; its key does."""
    async with shop() as (town, _):
        office = town.house.office
        shown, made = await office.mint_key(
            "shop", agent="support", environment="test", creator="dana", note="n" * 999
        )

        kept = await office.key_of(shown)
        revoked = await office.revoke_key("shop", made.id, by="dana")
        again = await office.revoke_key("shop", made.id, by="tom")

        assert (kept.agent, kept.environment) == ("support", "test")
        assert len(kept.note) == 200
        assert again == revoked
        assert (await kinds(town)).count("key_revoked") == 1
        with pytest.raises(NotSignedIn, match="revoked"):
            await office.key_of(shown)


async def test_an_unknown_key_and_an_altered_one_are_refused_alike() -> None:
    """The answer tells nobody which half was right."""
    async with shop() as (town, _):
        office = town.house.office
        shown, _ = await office.mint_key(
            "shop", agent="support", environment="production", creator="dana"
        )
        other = shown[:-1] + ("A" if shown[-1] != "A" else "B")
        said = set()

        for wrong in ("", "pk_live", other, "pk_live000000000000_" + "A" * 43):
            with pytest.raises(NotSignedIn) as caught:
                await office.key_of(wrong)
            said.add(str(caught.value))

        assert len(said) == 1


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"agent": "nobody"}, "agent of the policy: support"),
        ({"environment": ""}, "1 to 64"),
        ({"environment": "x" * 65}, "1 to 64"),
        ({"environment": "a\nb"}, "1 to 64"),
        ({"creator": "nobody"}, "a person of this workspace"),
    ],
)
async def test_a_key_needs_an_agent_an_environment_and_somebody_who_answers_for_it(
    wrong: dict[str, str], says: str
) -> None:
    """A key nobody made is a key nobody revokes."""
    async with shop() as (town, _):
        right = {"agent": "support", "environment": "production", "creator": "dana"}

        with pytest.raises(InvalidInput, match=says):
            await town.house.office.mint_key("shop", **{**right, **wrong})


async def test_a_key_of_another_workspace_cannot_be_revoked() -> None:
    """Not even its existence is told."""
    async with shop() as (town, key):
        await town.house.office.apply(POLICY.replace("workspace: shop", "workspace: b"), by="dana")

        for workspace, name in (("b", key.id), ("shop", "none")):
            with pytest.raises(NotFound):
                await town.house.office.revoke_key(workspace, name, by="dana")


# --- sign-in --------------------------------------------------------------------------------------


async def test_the_first_link_goes_to_whoever_may_most() -> None:
    """Somebody must be first, and nobody has a default password."""
    async with shop() as (town, _):
        office = town.house.office
        first = await office.needs_setup("shop")
        token = await office.invite("shop", first, purpose="setup")

        shown, session = await office.redeem(token, PASSWORD)

        assert first == "dana"
        assert session.person == "dana"
        assert await office.session_of(shown) == session
        assert await office.needs_setup("shop") == ""


async def test_where_nobody_has_an_address_nobody_can_be_first() -> None:
    """A link needs somebody who can be signed in as."""
    policy = """
workspace: shop
people: {maria: {name: Maria, phone: "+491510000001"}}
ladders: {one: {rungs: [{ask: person/maria}], catch_all: person/maria}}
agents: {support: {ladder: one, contact: maria}}
"""
    async with running_house(policy) as town:
        assert await town.house.office.needs_setup("shop") == ""
        with pytest.raises(InvalidInput, match="e-mail address first"):
            await town.house.office.invite("shop", "maria")
        assert await town.house.office.invite("shop", "maria", purpose=DEMO)


async def test_a_link_works_once_and_for_a_day() -> None:
    """A link in an old mail opens nothing."""
    async with shop() as (town, _):
        office = town.house.office
        used = await office.invite("shop", "maria")
        old = await office.invite("shop", "tom")
        await office.redeem(used, PASSWORD)
        town.clock.turn(timedelta(hours=24, seconds=1))

        for token in (used, old, "nonsense"):
            with pytest.raises(NotSignedIn, match="used already or has expired"):
                await office.redeem(token, PASSWORD)


async def test_a_password_that_is_too_short_does_not_spend_the_link() -> None:
    """Whoever is refused may try again with a better one."""
    async with shop() as (town, _):
        office = town.house.office
        token = await office.invite("shop", "maria")

        with pytest.raises(InvalidInput, match="12") as caught:
            await office.redeem(token, "short")
        await office.redeem(token, PASSWORD)

        assert "short'" not in str(caught.value)


async def test_a_link_of_one_kind_is_none_of_another() -> None:
    """The demo's link sets no password, an invitation signs nobody in without one."""
    async with shop() as (town, _):
        office = town.house.office
        demo = await office.invite("shop", "dana", purpose=DEMO)
        invitation = await office.invite("shop", "dana")

        with pytest.raises(NotSignedIn):
            await office.redeem_demo(invitation)
        with pytest.raises(NotSignedIn):
            await office.redeem(demo, PASSWORD)

        other = await office.invite("shop", "dana", purpose=DEMO)
        _, session = await office.redeem_demo(other)
        assert session.person == "dana"


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}, {"can_sign_in": False}])
async def test_a_link_of_somebody_who_left_meanwhile_opens_nothing(change: dict[str, Any]) -> None:
    """An invitation in the mail outlives the job."""
    async with shop() as (town, _):
        office = town.house.office
        token = await office.invite("shop", "maria")
        await _changed(town, "maria", **change)

        with pytest.raises(NotSignedIn, match="no longer sign in"):
            await office.redeem(token, PASSWORD)


async def _changed(town: Town, who: str, **change: Any) -> None:
    someone = (await town.house.office.people("shop"))[who]
    await town.house.office.put_person("shop", replace(someone, **change), by="dana")


async def test_only_active_people_are_invited() -> None:
    """A link for nobody would be a link for anybody."""
    async with shop() as (town, _):
        await _changed(town, "maria", is_active=False)
        await _changed(town, "tom", can_sign_in=False)

        for who in ("maria", "tom", "nobody"):
            with pytest.raises(InvalidInput, match="active person"):
                await town.house.office.invite("shop", who)


async def test_signing_in_says_the_same_whatever_is_wrong() -> None:
    """The sign-in page is no directory of who works here."""
    async with shop() as (town, _):
        office = town.house.office
        await office.redeem(await office.invite("shop", "maria"), PASSWORD)
        await office.redeem(await office.invite("shop", "tom"), PASSWORD)
        await _changed(town, "tom", is_active=False)
        said = set()

        for email, password in (
            ("maria@example.com", "wrong password!"),
            ("nobody@example.com", PASSWORD),
            ("tom@example.com", PASSWORD),
        ):
            with pytest.raises(NotSignedIn) as caught:
                await office.sign_in(email, password)
            said.add(str(caught.value))
        shown, session = await office.sign_in(" Maria@Example.com ", PASSWORD)

        assert len(said) == 1
        assert session.person == "maria"
        assert await office.session_of(shown) == session
        assert "signed_in" in await kinds(town)


async def test_a_session_ends_with_its_time_its_sign_out_and_its_person() -> None:
    """Whoever left yesterday decides nothing today."""
    async with shop() as (town, _):
        office = town.house.office
        await office.redeem(await office.invite("shop", "maria"), PASSWORD)
        await office.redeem(await office.invite("shop", "tom"), PASSWORD)
        out, _ = await office.sign_in("maria@example.com", PASSWORD)
        late, _ = await office.sign_in("maria@example.com", PASSWORD)
        gone, _ = await office.sign_in("tom@example.com", PASSWORD)

        await office.sign_out(out)
        await _changed(town, "tom", is_active=False)
        ended = [await office.session_of(each) for each in (out, gone, "nonsense")]
        still = await office.session_of(late)
        town.clock.turn(Settings().session_for)

        assert ended == [None, None, None]
        assert still is not None
        assert await office.session_of(late) is None


async def test_a_session_of_somebody_deactivated_elsewhere_ends_as_well() -> None:
    """The other process ended its sessions; one that slipped through still opens nothing."""
    async with shop() as (town, _):
        office = town.house.office
        await office.redeem(await office.invite("shop", "tom"), PASSWORD)
        await _changed(town, "tom", is_active=False)
        _, session = await office.redeem_demo(await office.invite("shop", "dana", purpose=DEMO))
        slipped = replace(session, person="tom", token_hash=digest_of("t"))
        await town.house.store.put_session(slipped)

        assert await office.session_of("t") is None


async def test_a_new_password_signs_everybody_else_out() -> None:
    """Whoever knew the old one is out."""
    async with shop() as (town, _):
        office = town.house.office
        first, _ = await office.redeem(await office.invite("shop", "maria"), PASSWORD)

        second, _ = await office.redeem(await office.invite("shop", "maria"), PASSWORD + "!")

        assert await office.session_of(first) is None
        assert await office.session_of(second) is not None


# --- the workspace's chain ------------------------------------------------------------------------


async def test_everything_that_changed_a_workspace_stands_on_a_chain_that_holds() -> None:
    """An auditor sees who opened the doors, and that no line was taken out."""
    async with shop() as (town, _):
        office = town.house.office
        await office.redeem(await office.invite("shop", "maria"), PASSWORD)
        await office.record(
            "shop", "note", ENGINE, facts={"n": 1}, sealed={"reason": {"text": "audit"}}
        )

        assert await kinds(town) == [
            "policy_applied",
            "key_minted",
            "invited",
            "password_set",
            "signed_in",
            "note",
        ]
        exporter = Exporter(town.house.store, town.house.vault, town.house.signer)
        checker = Checker()
        lines = exporter.lines("shop", town.clock.now(), with_contents=True)
        async for line in lines:
            checker.take(line)
        proof = checker.proof()
        assert proof.faults == []
        assert proof.contents == 1


async def test_two_acts_at_once_are_both_recorded_in_some_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another process was first: the record is chained again behind it."""
    async with shop() as (town, _):
        record = town.house.store.record
        lost = iter([True, True])

        async def contested(*given: Any, **more: Any) -> None:
            if next(lost, False):
                raise VersionConflict("another was first")
            await record(*given, **more)

        monkeypatch.setattr(town.house.store, "record", contested)
        await town.house.office.record("shop", "note", ENGINE)

        assert (await kinds(town))[-1] == "note"


async def test_a_record_that_never_gets_through_says_try_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The number of tries is bounded, and what it tells of was not done."""
    async with shop() as (town, key):

        async def contested(*_: Any, **__: Any) -> None:
            raise VersionConflict("another was first")

        with monkeypatch.context() as patched:
            patched.setattr(town.house.store, "record", contested)
            with pytest.raises(StoreBusy, match=f"{TRIES_MAX} times"):
                await town.house.office.revoke_key("shop", key.id, by="dana")

        kept = await town.house.store.key(key.id)
        assert kept is not None
        assert kept.revoked_at is None


# --- the house itself -----------------------------------------------------------------------------


async def test_a_house_with_a_webhook_set_has_that_channel(tmp_path: Path) -> None:
    """One setting is all it takes."""
    settings = Settings(webhook_url="https://hook.example/", webhook_secret="whsec_" + "A" * 44)

    house = furnish(SqliteStore(tmp_path / "a.db"), master=MASTER, settings=settings)
    async with opened(house):
        names = sorted(house.courier.channels)

    assert names == ["console", "webhook"]
    assert house.clock.now().tzinfo is not None


async def test_floors_of_many_workspaces_do_not_stay_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that serves many tenants keeps a bounded number of snapshots."""
    monkeypatch.setattr(floors_module, "KEPT_MAX", 1)
    async with shop() as (town, _):
        await town.house.office.apply(POLICY.replace("workspace: shop", "workspace: b"), by="dana")

        first = await town.house.floors.now("shop")
        other = await town.house.floors.now("b")
        again = await town.house.floors.now("shop")

        assert first.people == again.people
        assert again.version > other.version > first.version


async def test_whoever_never_chose_a_password_is_named_until_they_do() -> None:
    """The console does not reach somebody who cannot open it: a lead wants to know who that is."""
    async with shop() as (town, _):
        office = town.house.office
        token = await office.invite("shop", "tom")

        before = await office.without_account("shop")
        await office.redeem(token, "a sentence nobody guesses")
        after = await office.without_account("shop")

        assert "tom" in before
        assert "tom" not in after
        assert "maria" in after
