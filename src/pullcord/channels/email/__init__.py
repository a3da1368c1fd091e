"""E-mail: letters people can read, act upon and answer, by any server that speaks SMTP and IMAP."""

from pullcord.channels.email.channel import AnsweredEmailChannel, EmailChannel
from pullcord.channels.email.setting_up import OPTIONS, make

__all__ = ["OPTIONS", "AnsweredEmailChannel", "EmailChannel", "make"]
