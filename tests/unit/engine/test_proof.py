"""The proof: whatever is changed in an export is found, and said in a sentence."""

import copy
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest

from pullcord.briefing.digest import canonical
from pullcord.engine import proof as proof_module
from pullcord.engine.proof import Exporter, Proof, checked
from pullcord.errors import NotFound
from pullcord.seal.signing import Signer
from pullcord.store.port import WORKSPACE_CHAIN
from pullcord.testing import Town
from pullcord.wire import requests as wire
from tests.unit.engine.counter import refund, shop, stopped

Lines = list[dict[str, Any]]


async def exported(town: Town, **wanted: Any) -> Lines:
    """All lines, with contents unless told otherwise."""
    exporter = Exporter(town.house.store, town.house.vault, town.house.signer)
    options = {"with_contents": True, **wanted}
    return [line async for line in exporter.lines("shop", town.clock.now(), **options)]


def texts(lines: Lines) -> list[str]:
    """The lines as a file has them."""
    return [json.dumps(each) for each in lines]


def proved(lines: Lines, **trusted: Any) -> Proof:
    """What a check of these lines finds."""
    return checked(texts(lines), **trusted)


async def lived(town: Town, key: Any) -> tuple[str, str]:
    """Two escalations: one changed, decided, collected and executed; one still open."""
    name = await stopped(town, key)
    await town.person("maria").edit(name, note="one charge", amount=240.0)
    await town.house.desk.collect(key, name, wire.CollectIn(attempt="a"))
    args = {"order": "H-1", "amount": 240.0}
    told = wire.ReportIn(attempt="a", outcome="executed", args=args, result="sent")
    await town.house.desk.report(key, name, told)
    return name, await stopped(town, key, refund(key="k2"))


@pytest.fixture
async def lines() -> Lines:
    """The export of a small workspace that holds."""
    async with shop() as (town, key):
        await lived(town, key)
        return await exported(town)


def chain_of(lines: Lines) -> str:
    """The id of the decided escalation: the one with the longest timeline."""
    names: list[str] = [each["chain"] for each in lines if each["type"] == "link"]
    return max({*names} - {WORKSPACE_CHAIN}, key=names.count)


def links_of(lines: Lines) -> list[int]:
    """Where the links of the decided escalation stand."""
    chain = chain_of(lines)
    return [
        at for at, each in enumerate(lines) if each["type"] == "link" and each["chain"] == chain
    ]


async def test_an_export_of_what_happened_holds(lines: Lines) -> None:
    """The plain case, with everything counted."""
    proof = proved(lines)

    assert proof.holds
    assert proof.faults == []
    assert (proof.workspace, proof.chains, proof.decisions) == ("shop", 3, 1)
    assert proof.contents >= 4
    assert proof.links == sum(each["type"] == "link" for each in lines)


async def test_two_exports_of_one_state_have_the_same_heads() -> None:
    """One line on paper in a safe is enough to know next year that nothing was cut off."""
    async with shop() as (town, key):
        _, other = await lived(town, key)
        first, second = proved(await exported(town)), proved(await exported(town))
        bare = proved(await exported(town, with_contents=False))
        await town.person("maria").accept(other)
        later = proved(await exported(town))

    assert first.heads == second.heads == bare.heads
    assert later.heads != first.heads
    assert bare.contents == 0


async def test_one_escalation_is_exported_by_its_id() -> None:
    """A customer who asks gets what concerns them and nothing else."""
    async with shop() as (town, key):
        name, other = await lived(town, key)

        lines = await exported(town, only=name)

        assert proved(lines).holds
        assert {each["chain"] for each in lines if "chain" in each} == {name}
        assert other not in json.dumps(lines)
        with pytest.raises(NotFound, match="esc_none"):
            await exported(town, only="esc_none")


async def test_long_timelines_and_many_of_them_are_read_in_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory does not grow with the workspace."""
    monkeypatch.setattr(proof_module, "PAGE", 1)
    async with shop() as (town, key):
        await lived(town, key)

        assert proved(await exported(town)).holds


async def test_what_happens_during_an_export_belongs_to_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Row, timeline and contents of one export are of one moment."""
    async with shop() as (town, key):
        _, other = await lived(town, key)
        timeline = town.house.store.timeline

        async def meanwhile(workspace: str, chain: str, **more: Any) -> Any:
            if chain == other and not more["after"]:
                await town.person("maria").act(other, wire.CommentIn(text="meanwhile"))
            return await timeline(workspace, chain, **more)

        monkeypatch.setattr(town.house.store, "timeline", meanwhile)
        lines = await exported(town)
        monkeypatch.undo()

        assert proved(lines).holds
        names = [each["name"] for each in lines if each.get("chain") == other and "name" in each]
        assert not [each for each in names if each.startswith("comment")]


async def test_erased_content_breaks_no_chain(lines: Lines) -> None:
    """A right to be forgotten and a proof do not exclude each other."""
    without = [each for each in lines if each["type"] != "content"]

    assert proved(without).holds


# --- tampering -------------------------------------------------------------------------------


def byte_in_a_link(lines: Lines) -> None:
    at = links_of(lines)[2]
    lines[at]["body"] = lines[at]["body"].replace('"v":1', '"v": 1', 1)


def link_rewritten_with_its_hash(lines: Lines) -> None:
    at = links_of(lines)[1]
    body = json.loads(lines[at]["body"])
    body["at"] = "2020-01-01T00:00:00+00:00"
    lines[at]["body"] = canonical(body).decode()
    lines[at]["hash"] = hashlib.sha256(canonical(body)).hexdigest()


def link_dropped(lines: Lines) -> None:
    del lines[links_of(lines)[1]]


def last_link_dropped(lines: Lines) -> None:
    del lines[links_of(lines)[-1]]
    lines[-1]["links"] -= 1


def links_swapped(lines: Lines) -> None:
    first, second = links_of(lines)[1:3]
    lines[first], lines[second] = lines[second], lines[first]


def link_of_another_chain(lines: Lines) -> None:
    chain = chain_of(lines)
    other = next(
        each
        for each in lines
        if each["type"] == "link" and each["chain"] not in (chain, WORKSPACE_CHAIN)
    )
    lines[links_of(lines)[0]] = {**other, "chain": chain}


def row_changed(lines: Lines) -> None:
    row = next(each for each in lines if each["type"] == "row")
    row["public"]["owner"] = "mallory"


def row_dropped(lines: Lines) -> None:
    lines.remove(next(each for each in lines if each["type"] == "row"))


def row_without_a_body(lines: Lines) -> None:
    del next(each for each in lines if each["type"] == "row")["public"]


def chain_dropped(lines: Lines) -> None:
    chain = chain_of(lines)
    lines[:] = [each for each in lines if each.get("chain") != chain]


def timeline_dropped(lines: Lines) -> None:
    chain = chain_of(lines)
    lines[:] = [each for each in lines if each.get("chain") != chain or each["type"] == "row"]


def _rewritten(lines: Lines, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what the links of the decided chain say and make all hashes and the row fit again."""
    prev = ""
    state: dict[str, Any] = {}
    for at in links_of(lines):
        body = json.loads(lines[at]["body"])
        change(body)
        body["prev"] = prev
        text = canonical(body)
        prev = hashlib.sha256(text).hexdigest()
        lines[at].update(body=text.decode(), hash=prev)
        state.update(body["sets"])
    chain = chain_of(lines)
    row = next(each for each in lines if each["type"] == "row" and each["chain"] == chain)
    row["public"] = state


def decision_of_somebody_else(lines: Lines) -> None:
    def change(body: dict[str, Any]) -> None:
        if (body["sets"].get("decision") or {}).get("by"):
            body["sets"]["decision"]["by"] = "mallory"

    _rewritten(lines, change)


def decision_signed_by_somebody_else(lines: Lines) -> None:
    def change(body: dict[str, Any]) -> None:
        if body["sets"].get("decision"):
            body["sets"]["decision"]["key_id"] = "0" * 16

    _rewritten(lines, change)


def decision_without_a_signature(lines: Lines) -> None:
    def change(body: dict[str, Any]) -> None:
        if body["sets"].get("decision"):
            del body["sets"]["decision"]["signature"]

    _rewritten(lines, change)


def decision_of_another_escalation(lines: Lines) -> None:
    def change(body: dict[str, Any]) -> None:
        if "id" in body["sets"]:
            body["sets"]["id"] = "esc_other"

    _rewritten(lines, change)


def content_swapped(lines: Lines) -> None:
    contents = [each for each in lines if each["type"] == "content"]
    first, second = contents[0], contents[1]
    first["ciphertext"], second["ciphertext"] = second["ciphertext"], first["ciphertext"]


def content_with_another_key(lines: Lines) -> None:
    next(each for each in lines if each["type"] == "content")["key"] = "A" * 43


def content_with_nonsense_for_a_salt(lines: Lines) -> None:
    next(each for each in lines if each["type"] == "content")["salt"] = "!"


def another_document_was_shown(lines: Lines) -> None:
    def change(body: dict[str, Any]) -> None:
        if "shown_digest" in body["sets"]:
            body["sets"]["shown_digest"] = "0" * 64

    _rewritten(lines, change)


def another_document_was_decided(lines: Lines) -> None:
    def change(body: dict[str, Any]) -> None:
        if body["sets"].get("decision"):
            body["sets"]["decision"]["decided_digest"] = "0" * 64

    _rewritten(lines, change)


def cut_at_the_beginning(lines: Lines) -> None:
    del lines[0]


def cut_at_the_end(lines: Lines) -> None:
    del lines[-1]


def counts_that_promise_more(lines: Lines) -> None:
    lines[-1]["links"] += 1


def lines_after_the_end(lines: Lines) -> None:
    lines.append(lines[1])


def second_header(lines: Lines) -> None:
    lines.insert(3, {**lines[0], "public_keys": {}})


def unknown_format(lines: Lines) -> None:
    lines[0]["v"] = 99


def unknown_kind_of_line(lines: Lines) -> None:
    lines.insert(1, {"type": "gift"})


def no_object(lines: Lines) -> None:
    lines.insert(1, ["link"])  # type: ignore[arg-type]


TAMPERED: list[tuple[Callable[[Lines], None], str]] = [
    (byte_in_a_link, "does not match its hash"),
    (link_rewritten_with_its_hash, "does not continue the entry before it"),
    (link_dropped, "does not continue the entry before it"),
    (last_link_dropped, "is not what its timeline says"),
    (links_swapped, "does not continue the entry before it"),
    (link_of_another_chain, "belongs to another chain"),
    (row_changed, "the row's owner is not what its timeline says"),
    (row_dropped, "its row is missing"),
    (row_without_a_body, "cannot be read"),
    (chain_dropped, "the export promises"),
    (timeline_dropped, "has no timeline at all"),
    (decision_of_somebody_else, "the signature does not belong to this decision"),
    (decision_signed_by_somebody_else, "which is not known here"),
    (decision_without_a_signature, "cannot be read"),
    (decision_of_another_escalation, "its timeline tells of esc_other"),
    (content_swapped, "is not what the chain commits to"),
    (content_with_another_key, "cannot be read"),
    (content_with_nonsense_for_a_salt, "cannot be read"),
    (another_document_was_shown, "what was shown is not what its digest says"),
    (another_document_was_decided, "what was decided is not what its digest says"),
    (cut_at_the_beginning, "cut at the beginning"),
    (cut_at_the_end, "cut at the end"),
    (counts_that_promise_more, "the export promises"),
    (lines_after_the_end, "lines follow the last line"),
    (second_header, "a header that is not the first line"),
    (unknown_format, "export format 99 is not known"),
    (unknown_kind_of_line, "a line of unknown type 'gift'"),
    (no_object, "line 2 cannot be read"),
]


@pytest.mark.parametrize(("tamper", "says"), TAMPERED, ids=[each.__name__ for each, _ in TAMPERED])
async def test_whatever_is_changed_is_found(
    lines: Lines, tamper: Callable[[Lines], None], says: str
) -> None:
    """Each way to lie has its sentence; none goes through, and none ends in a crash."""
    changed = copy.deepcopy(lines)
    tamper(changed)

    proof = proved(changed)

    assert not proof.holds
    assert any(says in each for each in proof.faults), proof.faults


async def test_a_line_that_is_no_json_is_found_and_the_rest_is_still_checked(lines: Lines) -> None:
    """One broken sector does not hide what else is wrong, nor a lie behind it."""
    row_changed(lines)
    damaged = texts(lines)
    damaged[1] = damaged[1][:-9]
    damaged.insert(2, "[" * 100_000)

    proof = checked(damaged)

    assert proof.faults[0].startswith("line 2 cannot be read")
    assert any("RecursionError" in each for each in proof.faults)
    assert any("the row's owner" in each for each in proof.faults)


async def test_signatures_are_checked_with_a_key_known_from_elsewhere(lines: Lines) -> None:
    """Whoever can rewrite the file can rewrite the key in it; the one on paper they cannot."""
    own = dict(lines[0]["public_keys"])
    other = Signer(bytes(32))

    right = proved(lines, public_keys=own)
    wrong = proved(lines, public_keys={other.key_id: other.public_key})

    assert right.holds
    assert any("not known here" in each for each in wrong.faults)


async def test_a_thousand_faults_are_counted_and_not_all_told(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wholly broken file gives a page to read, not a flood."""
    monkeypatch.setattr(proof_module, "FAULTS_MAX", 3)
    lines[1:1] = [{"type": "gift"}] * 10

    proof = proved(lines)

    assert len(proof.faults) == 3
    assert proof.more_faults == 7


async def test_an_empty_file_proves_nothing() -> None:
    """No lines is not the same as nothing wrong."""
    proof = checked([])

    assert not proof.holds
