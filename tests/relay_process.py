"""A program that runs a relay, so that a test can kill its process."""

import asyncio
import sys

import reactivex
from reactivex import operators as rx

import rxpump
from rxpump import Event, NewEvent

EVENTS = 5_000


def results_of(event: Event) -> list[NewEvent]:
    """Return no result for an event with an odd number, two for every tenth, and one for the others."""
    body = event.json()
    if body["n"] % 2:
        return []
    made = [NewEvent("Made", {"n": body["n"], "copy": 0})]
    return [*made, NewEvent("Made", {"n": body["n"], "copy": 1})] if body["n"] % 10 == 0 else made


def pipeline(events: reactivex.Observable[Event]) -> reactivex.Observable[NewEvent]:
    def results(event: Event) -> reactivex.Observable[NewEvent]:
        return reactivex.from_iterable(results_of(event))

    return events.pipe(rx.flat_map(results))


EXPECTED = [(n, copy) for n in range(0, EVENTS, 2) for copy in ((0, 1) if n % 10 == 0 else (0,))]


async def main(uri: str) -> None:
    async with rxpump.connect(uri) as client:
        print("ready", flush=True)
        await client.relay("source", pipeline, "target", batch_size=100)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
