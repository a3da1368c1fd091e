"""The version after this one: the same code, and a schema that has one step more.

    python -m tests.postgres.next_version serve --db …

It writes what this version does not know of, so that both really share a database.
"""

from pullcord.store import queries_postgres as sql
from pullcord.store import schema_postgres as schema
from pullcord.store.schema_postgres import MIGRATIONS, NEWEST, Migration

#: what a next version may need: new columns, a new table, a new index; all of it only adds
NEXT = Migration(
    NEWEST + 1,
    """
    alter table escalations add column tags word not null default '';
    alter table outbox add column rank bigint;
    create table tags (workspace word not null, tag word not null, primary key (workspace, tag));
    create index escalations_tags on escalations (workspace, tags) where tags <> '';
    """,
    serves=NEWEST,
)
ALL = (*MIGRATIONS, NEXT)
#: how its writes differ: every escalation it changes is tagged
TAGGED = sql.CHANGE.replace(
    "update escalations e set version =",
    "update escalations e set tags = 'next', version =",
)


def become_next() -> None:
    """This process is of the next version; to be said before anything else is imported."""
    assert TAGGED != sql.CHANGE, "no write differs"
    schema.MIGRATIONS, schema.NEWEST = ALL, NEXT.version
    sql.CHANGE = TAGGED


if __name__ == "__main__":
    become_next()
    from pullcord.cli import main

    main()
