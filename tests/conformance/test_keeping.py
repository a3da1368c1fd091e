"""The database as a whole: held in a new epoch until it is let go, and which engines beat."""

from datetime import timedelta

from pullcord.store.keeping import Hold
from pullcord.store.port import Store
from tests.conformance.places import Place, PostgresPlace
from tests.conformance.stage import MINUTE, NOON, Stage

HOLD = Hold(NOON, "dana", "restored from the backup of Monday")


def as_owner(place: Place) -> Store:
    """A store as whoever may begin an epoch."""
    return place.owned() if isinstance(place, PostgresPlace) else place.store()


async def test_a_new_database_is_not_held(store: Store) -> None:
    """Nobody has to let go what nobody holds."""
    assert await store.held() is None
    assert not await store.let_go()


async def test_a_hold_begins_an_epoch_and_stays_until_it_is_let_go(
    store: Store, place: Place
) -> None:
    """Every process sees the same hold, and its reason, whichever process it came from."""
    owner = as_owner(place)
    await owner.start()

    epoch = await owner.hold(HOLD)
    seen = await store.held()
    was_held = await store.let_go()
    after = await owner.held()
    await owner.close()

    assert (epoch, await store.epoch()) == (2, 2)
    assert seen == HOLD
    assert was_held
    assert after is None


async def test_holding_twice_keeps_the_newest_reason(place: Place, store: Store) -> None:
    """A second person who holds adds an epoch and says why; one letting go ends both."""
    owner = as_owner(place)
    await owner.start()
    again = Hold(NOON + MINUTE, "tom", "the wrong backup")

    epochs = [await owner.hold(each) for each in (HOLD, again)]
    await owner.close()

    assert epochs == [2, 3]
    assert await store.held() == again


async def test_a_store_goes_on_writing_after_it_has_held(place: Place) -> None:
    """Whoever holds also records it: the same process writes in the epoch it began."""
    owner = as_owner(place)
    await owner.start()

    await owner.hold(HOLD)
    row = await Stage(owner).open("esc_1")
    found = await owner.load("shop", "esc_1")
    await owner.close()

    assert found == row


async def test_engines_beat_and_are_forgotten(store: Store) -> None:
    """A server without an engine learns from the rows that one is there."""
    hour = timedelta(hours=1)

    await store.beat("a", NOON - 2 * hour, forget_before=NOON - 3 * hour)
    await store.beat("b", NOON, forget_before=NOON - hour)
    await store.beat("b", NOON + MINUTE, forget_before=NOON - hour)

    assert await store.beats() == {"b": NOON + MINUTE}
