"""What Pullcord promises, one sentence each, and the room that keeps it.

Every promise has at least one test that carries `@pytest.mark.promise("its-id")`, and every test
under acceptance/, browser/, simulation/ and crash/ carries a promise; tests/tidy proves both by
reading the tests. Add the row together with its test: a promise nobody checks is advertising.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """One behaviour people may build on."""

    #: kebab-case, stable; tests and the change log refer to it
    id: str
    #: what a support lead would read out to a customer
    sentence: str
    #: the room or folder of src/pullcord that keeps it
    room: str


PROMISES: tuple[Promise, ...] = (
    # --- builders append below, grouped by room, in the order a reader would ask -------------
)
