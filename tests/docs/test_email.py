"""The page on e-mail is followed as a new user would, against real servers on loopback."""

import re
import shlex
from email.message import EmailMessage
from pathlib import Path

from pullcord.channels.email import OPTIONS
from tests.acceptance.served import COMMAND, Place, invited, running, signed_in
from tests.conformance.channels.email_double import (
    PostOffice,
    opened_mail,
    post_office,
    seen_of,
    trusted_in,
)
from tests.conformance.channels.imap_double import postbox
from tests.conformance.channels.threads import in_thread
from tests.docs.pages import ROOT, blocks_of
from tests.keeping import in_file
from tests.unit.cli.terminal import POLICY

PAGE = ROOT / "docs/how-to/channels/email.md"
PASSWORD = "letters-secret"


def exported(word: str) -> dict[str, str]:
    """What a block of the page puts into the environment."""
    code = next(each.code for each in blocks_of(PAGE) if word in each.words)
    lines = [shlex.split(line) for line in code.splitlines()]
    return dict(words[1].split("=", 1) for words in lines if words[0] == "export")


def test_every_option_is_on_the_page_and_no_other() -> None:
    """An option nobody can look up is an option nobody uses."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]

    told = {name for line in rows for name in re.findall(r"`PULLCORD_EMAIL_(\w+)`", line)}

    assert told == {each.name.upper() for each in OPTIONS}


def test_a_new_user_sets_it_up_tries_it_and_answers_by_mail(tmp_path: Path) -> None:
    """The variables as they stand there, a test letter, a real ask, a reply that is a comment."""
    office, place = PostOffice(), Place(tmp_path, in_file(tmp_path))
    office.senders = {"pullcord@example.com"}
    config = tmp_path / "pullcord.yaml"
    config.write_text(POLICY, encoding="utf-8")
    serve = [*COMMAND, "serve", "--port", "0", "--db", str(place.kept.db), "--config", str(config)]
    with (
        in_thread(lambda: post_office(office, password=PASSWORD)) as port,
        in_thread(lambda: postbox(tls="tls")) as box,
    ):
        env = {**exported("email"), **exported("inbound"), "PULLCORD_EMAIL_PASSWORD": PASSWORD}
        box.login = f"{env['PULLCORD_EMAIL_USERNAME']} {PASSWORD}"
        # these servers are here, have any port, and certificates of their own
        env |= {name: "127.0.0.1" for name in env if name.endswith("HOST")}
        env |= {"PULLCORD_EMAIL_PORT": str(port), "PULLCORD_EMAIL_IMAP_PORT": str(box.port)}
        env |= {"PULLCORD_EMAIL_CA_FILE": trusted_in(tmp_path), "PULLCORD_EMAIL_IMAP_EVERY": "5"}
        with running(*serve, **{**place.kept.environ, **env}) as server:
            url = server.line(r"Pullcord serves (http://\S+)")[1]
            with signed_in(url, invited(place, "dana", url)) as dana:
                csrf = {"csrf": dana.http.headers["x-csrf-token"]}
                tried = dana.http.post("/channels/email/test", data=csrf)
                drill = dana.http.post("/v1/drills", json={"ladder": "billing"}).json()
                asked = dana.until(lambda: _asked(office))
                box.put(_reply(asked, "I am awake."))
                said = dana.until(lambda: "commented" in dana.kinds(drill["id"]))

    assert "Test by email: taken" in tried.text
    assert any("this way works" in seen_of(raw) for raw in office.letters)
    assert said
    assert opened_mail(asked)["Subject"].startswith("Drill: ")


def _asked(office: PostOffice) -> bytes | None:
    """The letter of the drill, once it is here."""
    found = [raw for raw in office.letters if "needs you" in seen_of(raw)]
    return found[-1] if found else None


def _reply(asked: bytes, text: str) -> bytes:
    mail = EmailMessage()
    mail["From"] = str(opened_mail(asked)["To"])
    mail["To"] = str(opened_mail(asked)["Reply-To"])
    mail.set_content(text)
    return mail.as_bytes()
