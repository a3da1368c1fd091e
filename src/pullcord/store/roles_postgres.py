"""Who may do what in PostgreSQL: one role owns the schema, another serves and can change no rule.

The serving role cannot alter a table, drop a trigger, or write over a timeline; so somebody who
takes a server over cannot make the past look different.
"""

import re

from pullcord.errors import InvalidInput

OWNER, APP = "pullcord_owner", "pullcord_app"

#: what the serving role may do with each table, and nothing else
RIGHTS = {
    "escalations": "select, insert, update",
    "wakes": "select, update, delete",
    "candidates": "select, insert, delete",
    "asked": "select, insert, update",
    "links": "select, insert",
    "sealed": "select, insert",
    "outbox": "select, insert, update, delete",
    "receipts": "select, insert",
    "copies": "select, insert, update",
    "linked": "select, insert, update, delete",
    "outcomes": "select, insert",
    "duties": "select, insert, update",
    "policies": "select, insert, update (is_current)",
    "people": "select, insert, update",
    "keys": "select, insert, update (revoked_at)",
    "accounts": "select, insert, update",
    "sessions": "select, insert, delete",
    "tickets": "select, insert, delete",
    "calls": "select, insert",
    # only the owner begins an epoch, and with it a hold; whoever serves may let go
    "epoch": "select",
    "holds": "select, delete",
    "beats": "select, insert, update, delete",
    "schema_version": "select",
}

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")

_BEFORE = """-- Run this as an administrator of the server, in the database of Pullcord.
-- 1. The roles, and a database whose tables belong to the first:
do $$ begin
  if to_regrole('{owner}') is null then create role {owner} login; end if;
  if to_regrole('{app}') is null then create role {app} login; end if;
end $$;
revoke create on schema public from public;
grant usage, create on schema public to {owner};
grant usage on schema public to {app};
-- Give both a password (\\password {owner}, \\password {app}), then make the schema as its owner:
--   pullcord db upgrade --db postgresql://{owner}@host/database
-- 2. After every upgrade, as {owner} or an administrator: what the servers may do.
--    Serve with --db postgresql://{app}@host/database
"""


def script(owner: str = OWNER, app: str = APP) -> str:
    """The roles as SQL: made where they are missing, with the serving role's rights.

    Raises:
        InvalidInput: a name that would have to be quoted.
    """
    for name in (owner, app):
        if not _NAME.fullmatch(name):
            raise InvalidInput(
                "role", value=name, limit="lower-case letters, digits and _", remedy="Rename it."
            )
    return _BEFORE.format(owner=owner, app=app) + rights(app)


def rights(app: str = APP) -> str:
    """The second part alone."""
    tables = ", ".join(RIGHTS)
    grants = "\n".join(f"  grant {may} on {table} to {app};" for table, may in RIGHTS.items())
    return (
        "do $$ begin\n  if to_regclass('escalations') is null then\n"
        "    raise notice 'no schema yet: run this again after pullcord db upgrade'; return;\n"
        f"  end if;\n  revoke all on {tables} from {app};\n{grants}\nend $$;\n"
    )
