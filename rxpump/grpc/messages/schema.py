"""The protobuf messages, loaded from the compiled schema into a descriptor pool of their own.

A serialized descriptor set is data instead of generated code, so one file serves every protobuf runtime from 4.25 on.
Other libraries, such as kurrentdbclient, load their messages into the pool that all libraries share, so equal names
do not clash.
"""

from __future__ import annotations

import pkgutil
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor

_PACKAGE: Final = "rxpump.grpc"
_pool = descriptor_pool.DescriptorPool()
_compiled = pkgutil.get_data("rxpump.grpc.messages", "schema.binpb")  # importlib.resources is slow to import.
assert _compiled is not None, "the loader of this package can read data"
for _file in descriptor_pb2.FileDescriptorSet.FromString(_compiled).file:
    _pool.Add(_file)


def message_class(name: str) -> Any:
    """Return the class of a message of the schema, such as "streams.ReadRequest".

    Make nested messages from dicts: `ReadRequest(options={"count": 1})`. With protobuf in pure Python, the class has
    no attributes for their classes.
    """
    return message_factory.GetMessageClass(_pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def method_descriptor(service: str, name: str) -> MethodDescriptor:
    """Return the descriptor of a method of a service of the schema, such as "streams.Streams"."""
    return _pool.FindServiceByName(f"{_PACKAGE}.{service}").methods_by_name[name]
