"""Connection strings, which contain the address of a server, credentials and settings."""

from rxpump.uri.addresses import Address, ClusterAddress, EmbeddedAddress, GrpcAddress, TcpAddress
from rxpump.uri.parse import parse

__all__ = ["Address", "ClusterAddress", "EmbeddedAddress", "GrpcAddress", "TcpAddress", "parse"]
