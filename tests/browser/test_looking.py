"""What the pages look like to everybody: to axe, on a phone, in the dark, with hostile text."""

from typing import Any

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from pullcord.errors import StoreBusy
from pullcord.testing import Live
from tests.browser.conftest import Visit
from tests.browser.stage import CHOICE, QUESTION, REFUND, standing, stopped

DESK = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
AXE = {
    "runOnly": {
        "type": "tag",
        "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }
}
#: every fold open, also those of which only one may be
UNFOLD = """() => {
  for (const each of document.querySelectorAll("details:not(#viewer, .aside-form)")) {
    each.removeAttribute("name");
    each.open = true;
  }
}"""


def violations(page: Page) -> list[str]:
    """What axe finds wrong, as lines a person can act on."""
    page.evaluate(UNFOLD)
    found = Axe().run(page, options=AXE).response["violations"]
    return [
        f"{page.url}: {each['id']}: {node['target']}: {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


def scenes(live: Live) -> dict[str, str]:
    """Something on every page: an open, an accepted, a decided one, a choice, a question."""
    refund = stopped(live, REFUND)
    choice = stopped(live, CHOICE)
    question = stopped(live, QUESTION)
    decided = stopped(live, {**REFUND, "key": "call-7", "run": "run-7"})
    with live.operator("maria") as maria:
        maria.accept(question["id"])
        maria.act(question["id"], "ask", to="end_user", text="Since when does it leak?")
        maria.edit(decided["id"], {"order": "8812", "amount": 240.0, "express": True}, note="half")
    office = live.town.house.office
    token = live.call(office.invite(live.town.workspace, "tom", purpose="setup"))
    demo = live.call(office.invite(live.town.workspace, "tom", purpose="demo"))
    return {
        "open": f"/escalations/{refund['id']}",
        "choice": f"/escalations/{choice['id']}",
        "accepted": f"/escalations/{question['id']}",
        "decided": f"/escalations/{decided['id']}",
        "status": question["status_url"].removeprefix(live.url),
        "status over": decided["status_url"].removeprefix(live.url),
        "status form": refund["status_url"].removeprefix(live.url) + "?do=add",
        "set-up": f"/setup/{token}",
        "welcome": f"/welcome/{demo}",
    }


@pytest.mark.promise("console-is-accessible")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(
    live: Live, visit: Visit, scheme: str, size: dict[str, int]
) -> None:
    """WCAG 2.2 AA on every page, in light and dark, on desk and phone."""
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": size, "bypass_csp": True}
    places = scenes(live)
    public = {"set-up", "welcome", "status", "status over", "status form"}
    found: list[str] = []

    inside = visit("maria", "/", **options)
    for path in (
        "/",
        "/?tab=queues",
        "/?tab=waiting",
        "/?tab=decided",
        *(place for name, place in places.items() if name not in public),
        "/on-call",
        "/people",
        "/people/maria/reach",
        "/channels",
        "/policy",
        "/keys",
        "/escalations/esc_none",
    ):
        inside.goto(path)
        found += violations(inside)
    outside = visit("", "/sign-in", java_script_enabled=True, **options)
    for path in ("/sign-in", *(places[name] for name in sorted(public - {"welcome"}))):
        outside.goto(path)
        found += violations(outside)

    assert found == [], "\n".join(found)


@pytest.mark.promise("console-is-accessible")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_pages_that_answer_a_form(
    live: Live, visit: Visit, scheme: str
) -> None:
    """A refusal must be as readable as the page it refuses."""
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": PHONE, "bypass_csp": True}
    found = stopped(live, REFUND)
    page = visit("kim", "/keys", **options)
    seen: list[str] = []

    page.get_by_label("Agent").fill("nobody")
    page.get_by_role("button", name="Make the key").click()
    seen += violations(page)
    page.get_by_label("Agent").fill("support")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#secret")).to_be_visible()
    seen += violations(page)
    page.goto("/people")
    page.get_by_role("button", name="Make a sign-in link").first.click()
    seen += violations(page)
    page = visit("maria", f"/escalations/{found['id']}", **options)
    page.get_by_label("amount").fill("24o")
    page.get_by_role("button", name="Approve with changes").click()
    expect(page.locator("#problem")).to_be_visible()
    seen += violations(page)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    seen += violations(page)

    assert seen == [], "\n".join(seen)


@pytest.mark.promise("decide-in-seconds")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_ask_consequence_deadline_and_fallback_stand_above_the_fold(
    live: Live, visit: Visit, size: dict[str, int]
) -> None:
    """Whoever is woken sees what it is about without scrolling."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}", viewport=size)

    parts = ["#question", ".stakes", ".clock-time", ".clock-fallback", "#standing .answers"]
    if size is DESK:
        parts.append(".options")
    bottoms = {part: _bottom(page, part) for part in parts}

    assert {part: at for part, at in bottoms.items() if at > size["height"]} == {}
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    expect(page.locator(".stakes")).to_contain_text("Cannot be undone")
    expect(page.locator(".stakes")).to_contain_text("EUR 480.00")
    expect(page.locator(".stakes")).to_contain_text("cannot be called back")
    expect(page.locator(".clock-fallback")).to_contain_text("it is rejected")


def _bottom(page: Page, selector: str) -> float:
    box = page.locator(selector).bounding_box()
    assert box is not None, f"{selector} is not there"
    return box["y"] + box["height"]


HOSTILE = (
    "</textarea></script><script>alert(1)</script><img src=//evil.example/x onerror=alert(2)>"
    "![i](http://evil.example/x.png) {{ 7*7 }} \u202eevorppa\u202c \u200bzero \U000e0041tag "
    + "W" * 400
    + " مرحبا بالعالم 🧨👩‍👩‍👧"
)


@pytest.mark.promise("hostile-text-is-inert")
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["1280", "390"])
def test_hostile_text_is_shown_inert_and_marked(
    live: Live, visit: Visit, size: dict[str, int]
) -> None:
    """An injected agent must not speak in our voice, load anything, or break the page."""
    found = stopped(
        live,
        {
            **REFUND,
            "args": {"order": HOSTILE, "amount": 480.0, "nested": {"<b>": [HOSTILE]}},
            "run": "run-5",
            "end_user": {"id": "u_5", "name": "\u202e<b>anna</b>"},
            "messages": [
                {"role": "user", "content": HOSTILE},
                {"role": "<script>", "content": HOSTILE, "name": HOSTILE[:90]},
            ],
            "claims": {"situation": HOSTILE, "assessment": HOSTILE, "unknowns": [HOSTILE[:400]]},
        },
    )
    dialogs: list[str] = []
    asked: list[str] = []
    page = visit("maria", "/", viewport=size)
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.on("request", lambda each: asked.append(each.url))

    for place in ("/", f"/escalations/{found['id']}", found["status_url"]):
        page.goto(place)
        page.evaluate(UNFOLD)
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], place
        assert page.locator("main img, main script, main b:not(.hit-figures b)").count() == 0

    page.goto(f"/escalations/{found['id']}")
    expect(page.locator(".hostile")).to_contain_text("bidi")
    expect(page.locator(".claims")).to_contain_text("⟦U+202E⟧evorppa⟦U+202C⟧")
    expect(page.locator(".claims")).to_contain_text("{{ 7*7 }}")
    assert page.locator("#arg-order").input_value() == HOSTILE
    assert dialogs == []
    assert [each for each in asked if not each.startswith(live.url)] == []


@pytest.mark.promise("pages-run-no-foreign-code")
def test_every_page_carries_the_strict_policy_and_nothing_inline(live: Live) -> None:
    """Even a mistake in a template must not become code that runs."""
    places = scenes(live)
    with live.operator("maria") as maria:
        answers = [
            maria.get(path)
            for path in ("/", "/on-call", "/people", "/policy", "/keys", "/no", *places.values())
        ]

    pages = [each for each in answers if each.status_code != 303]
    for answer in pages:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy, answer.url
        assert "unsafe" not in policy, answer.url
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert " style=" not in answer.text, answer.url
        assert "<style" not in answer.text, answer.url
        assert "onclick=" not in answer.text, answer.url
    trusted = [
        "require-trusted-types-for 'script'" in each.headers["content-security-policy"]
        for each in pages
    ]
    assert trusted.count(False) == 3, "only the status pages run no script at all"


@pytest.mark.promise("pages-run-no-foreign-code")
def test_static_files_are_kept_by_browsers_only_under_the_hash_of_their_content(
    live: Live,
) -> None:
    """After an update nobody may run last week's script against this week's page."""
    page = httpx2.get(f"{live.url}/sign-in", trust_env=False).text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]

    exact = httpx2.get(live.url + address, trust_env=False)
    other = httpx2.get(live.url + address.partition("?")[0] + "?v=old", trust_env=False)
    missing = httpx2.get(f"{live.url}/static/../app.py", trust_env=False)

    assert "immutable" in exact.headers["cache-control"]
    assert other.headers["cache-control"] == "no-cache"
    assert missing.status_code == 404


@pytest.mark.promise("pages-refuse-with-a-way-out")
def test_a_write_the_store_does_not_take_keeps_the_input_and_can_be_sent_again(
    live: Live, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 must mean: not saved, nothing lost, press once more."""
    found = stopped(live, REFUND)
    page = visit("maria", f"/escalations/{found['id']}", java_script_enabled=False)
    page.get_by_label("Reason or note").fill("wrong customer")

    async def busy(*_: object, **__: object) -> None:
        raise StoreBusy("the store did not take it now.")

    with monkeypatch.context() as patched:
        patched.setattr(live.town.house.desk, "act", busy)
        page.get_by_role("button", name="Reject").click()
        expect(page.get_by_role("heading", name="Not saved", exact=True)).to_be_visible()
        expect(page.get_by_label("Reason or note")).to_have_value("wrong customer")
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("heading", name="Decided")).to_be_visible()
    assert standing(live, found["id"]).decision.kind == "reject"


@pytest.mark.promise("pages-refuse-with-a-way-out")
def test_what_a_role_may_not_do_is_neither_offered_nor_taken(live: Live, visit: Visit) -> None:
    """An operator sees keys and policy, and changes neither."""
    page = visit("maria", "/keys")
    expect(page.get_by_role("heading", name="All keys")).to_be_visible()
    assert page.get_by_role("button", name="Make the key").count() == 0
    csrf = page.locator("input[name=csrf]").first.get_attribute("value")

    answer = page.request.post(
        "/keys/mint", form={"csrf": csrf or "", "agent": "support", "environment": "production"}
    )

    assert answer.status == 403
    assert "Nothing was changed." in answer.text()


@pytest.mark.promise("keys-are-shown-once")
def test_a_key_is_shown_once_works_and_can_be_revoked(live: Live, visit: Visit) -> None:
    """The secret exists on one screen for one moment."""
    page = visit("kim", "/keys")

    page.get_by_label("Agent").fill("infra")
    page.get_by_label("Environment").fill("production")
    page.get_by_role("button", name="Make the key").click()
    shown = page.get_by_label("New key").input_value()
    headers = {"authorization": f"Bearer {shown}"}
    works = httpx2.get(f"{live.url}/v1/policy", headers=headers, trust_env=False)
    page.goto("/keys")
    assert shown not in page.content()
    page.locator("li", has_text="infra").get_by_text("Revoke", exact=True).click()
    page.get_by_role("button", name="Revoke this key").click()

    assert works.status_code == 200
    expect(page.locator("li", has_text="infra").get_by_text("revoked", exact=True)).to_be_visible()


@pytest.mark.promise("policy-can-be-rolled-back")
def test_a_lead_rolls_the_policy_back(live: Live, visit: Visit) -> None:
    """A bad rule at night is taken back without a deployment."""
    office = live.town.house.office
    source = live.call(live.town.house.views.policy_source(live.town.workspace))
    live.call(office.apply(source.replace("> 250", "> 100"), by="kim"))
    page = visit("dana", "/policy")
    expect(page.locator(".source")).to_contain_text("args.amount > 100")

    page.get_by_text("Roll back", exact=True).click()
    page.get_by_role("button", name="in force").click()

    expect(page.locator(".source")).to_contain_text("args.amount > 250")
