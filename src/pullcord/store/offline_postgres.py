"""The schema's steps as SQL to read and run by hand; needs neither a server nor its driver."""

from collections.abc import Iterable

from pullcord.store import queries_postgres as sql
from pullcord.store.schema_postgres import Migration


def script(steps: Iterable[Migration]) -> str:
    """The steps as SQL for whoever applies it by hand, each in a transaction of its own."""
    return "\n".join(
        f"begin;\n{sql.SCHEMA_LOCK};\n{sql.SCHEMA_TABLE};\n{each.statements.strip()}\n"
        f"{sql.SCHEMA_APPLIED.format(version=each.version, serves=each.serves)};\ncommit;\n"
        for each in steps
    )
