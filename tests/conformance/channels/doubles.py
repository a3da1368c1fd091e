"""The doubles of providers: one line each, and a channel is held to the whole suite."""

from tests.conformance.channels.apprise_double import AppriseDouble
from tests.conformance.channels.double import Double
from tests.conformance.channels.email_double import EmailDouble
from tests.conformance.channels.pagerduty_double import PagerDutyDouble
from tests.conformance.channels.paper_double import PaperDouble
from tests.conformance.channels.slack_double import SlackDouble
from tests.conformance.channels.teams_double import TeamsDouble
from tests.conformance.channels.twilio_double import SmsDouble, VoiceDouble
from tests.conformance.channels.webhook_double import WebhookDouble
from tests.conformance.channels.webpush_double import WebPushDouble

DOUBLES: dict[str, type[Double]] = {
    "apprise": AppriseDouble,
    "email": EmailDouble,
    "pagerduty": PagerDutyDouble,
    "paper": PaperDouble,
    "slack": SlackDouble,
    "sms": SmsDouble,
    "teams": TeamsDouble,
    "voice": VoiceDouble,
    "webhook": WebhookDouble,
    "webpush": WebPushDouble,
}
