"""Measure the time of an import, in an interpreter that has imported nothing else.

Run this file, not a module of the package: `python benchmarks/contestants/imports.py '{"operation": ...}'`.
"""

# ruff: noqa: F401, PLC0415 - the imports are measured
import sys
import time

started, cpu_started = time.perf_counter(), time.process_time()


def dependencies(_: str) -> None:
    """Import only the libraries that rxpump needs."""
    import asyncio

    import reactivex
    import reactivex.operators
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory


def rxpump_alone(_: str) -> None:
    """Import the whole client."""
    import rxpump


def rxpump_and_ping(argument: str) -> None:
    """Import the client, and run the shortest program: connect and ping."""
    import asyncio
    import json

    import rxpump

    job = json.loads(argument)

    async def main() -> None:
        client = rxpump.connect(host=job["host"], port=job["port"], username=job["login"], password=job["password"])
        async with client:
            await client.ping()

    asyncio.run(main())


OPERATIONS = {
    '"dependencies"': dependencies,
    '"import"': rxpump_alone,
    '"import_and_ping"': rxpump_and_ping,
}

if __name__ == "__main__":
    for name, run in OPERATIONS.items():
        if f'"operation": {name}' in sys.argv[1]:
            run(sys.argv[1])
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu_started
    print(f'{{"seconds": {seconds}, "cpu": {cpu}, "seen": 1}}')
