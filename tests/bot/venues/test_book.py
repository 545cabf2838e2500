"""Book synchronisation: the documented rules, and any delivery order ends in the venue's book or in a request."""

from hypothesis import given
from hypothesis import strategies as st

from tradefleet_bot.core.events import DepthDelta, DepthSnapshot, FeedState
from tradefleet_bot.venues.binance.book import BookEvent, BookSync
from tradefleet_bot.venues.binance.codec import BookImage, BookUpdate

S = "BTCUSDT"


def _update(first: int, last: int, previous: int, bids: tuple[tuple[float, float], ...] = ()) -> BookUpdate:
    return BookUpdate(last, last, S, first, last, previous, bids, ())


def _image(last: int, bids: tuple[tuple[float, float], ...] = ()) -> BookImage:
    return BookImage(last, last, last, bids, ())


def _kinds(events: list[BookEvent]) -> list[str]:
    return [type(e).__name__ for e in events]


def test_buffered_updates_join_the_snapshot() -> None:
    book = BookSync(S)
    assert book.wants_snapshot
    assert book.update(_update(1, 5, 0)) == []
    assert book.update(_update(8, 12, 5)) == []
    assert book.update(_update(15, 20, 12)) == []
    events = book.image(_image(10))
    assert _kinds(events) == ["DepthSnapshot", "FeedState", "DepthDelta", "DepthDelta"]
    assert book.synced
    assert not book.wants_snapshot
    assert [e.at for e in events] == sorted(e.at for e in events)
    assert _kinds(book.update(_update(22, 25, 20))) == ["DepthDelta"]


def test_snapshot_may_come_before_the_first_update() -> None:
    book = BookSync(S)
    assert book.image(_image(10)) == []
    assert book.update(_update(1, 9, 0)) == []
    assert _kinds(book.update(_update(10, 11, 9))) == ["DepthSnapshot", "FeedState", "DepthDelta"]


def test_an_update_whose_pu_is_the_snapshot_begins_too() -> None:
    book = BookSync(S)
    book.update(_update(1, 9, 0))
    book.image(_image(10))
    assert _kinds(book.update(_update(13, 15, 10))) == ["DepthSnapshot", "FeedState", "DepthDelta"]


def test_a_snapshot_older_than_the_stream_is_asked_for_again() -> None:
    book = BookSync(S)
    book.update(_update(20, 25, 18))
    assert book.image(_image(10)) == []
    assert book.wants_snapshot
    assert _kinds(book.image(_image(22))) == ["DepthSnapshot", "FeedState", "DepthDelta"]


def test_a_gap_takes_the_stream_down_and_asks_for_a_snapshot() -> None:
    book = BookSync(S)
    book.image(_image(10))
    book.update(_update(10, 12, 9))
    [down] = book.update(_update(30, 31, 28))
    assert down == FeedState(31, S, "depth", up=False, reason="gap: pu 28 does not continue u 12")
    assert book.wants_snapshot
    assert book.gaps == 1
    assert _kinds(book.image(_image(31))) == ["DepthSnapshot", "FeedState", "DepthDelta"]


def test_an_update_delivered_twice_changes_nothing() -> None:
    book = BookSync(S)
    book.image(_image(10))
    update = _update(10, 12, 9)
    book.update(update)
    assert book.update(update) == []
    assert book.synced


Levels = dict[float, float]


def _apply(levels: Levels, changes: tuple[tuple[float, float], ...]) -> None:
    for price, quantity in changes:
        if quantity:
            levels[price] = quantity
        else:
            levels.pop(price, None)


@given(
    changes=st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=40),
    faults=st.dictionaries(st.integers(0, 39), st.sampled_from(["drop", "twice"]), max_size=8),
    answer_after=st.lists(st.integers(0, 6), max_size=12),
)
def test_whatever_is_lost_or_repeated_the_book_is_right_or_known_to_be_down(
    changes: list[tuple[int, int, int]], faults: dict[int, str], answer_after: list[int]
) -> None:
    book, venue, mine, up = BookSync(S), {}, {}, False
    history: list[tuple[int, Levels]] = [(0, {})]  # the venue's book as of each update id
    last, delays, waiting = 0, iter(answer_after), 0
    venue_levels: Levels = venue
    mine_levels: Levels = mine

    def take(events: list[BookEvent]) -> None:
        nonlocal up
        for event in events:
            if isinstance(event, DepthSnapshot):
                mine_levels.clear()
                _apply(mine_levels, event.bids)
            elif isinstance(event, DepthDelta):
                assert up
                _apply(mine_levels, event.bids)
            else:
                up = event.up

    for n, (price, quantity, width) in enumerate(changes):
        update = BookUpdate(n, n, S, last + 1, last + width, last, ((float(price), float(quantity)),), ())
        last += width
        _apply(venue_levels, update.bids)
        history.append((last, dict(venue_levels)))
        fault = faults.get(n)
        for _ in range({"drop": 0, "twice": 2}.get(fault or "", 1)):
            take(book.update(update))
        if book.wants_snapshot:
            waiting += 1
            if waiting > next(delays, 0):
                waiting = 0
                as_of, levels = history[max(0, len(history) - 1 - waiting)]
                take(book.image(BookImage(n, n, as_of, tuple(levels.items()), ())))
        assert up == book.synced
        if up and fault != "drop":
            assert mine_levels == venue_levels
