"""Connection strings: where a server is, who uses it, and with which settings."""

from rxpump.uri.addresses import Address, ClusterAddress, EmbeddedAddress, GrpcAddress, TcpAddress
from rxpump.uri.parse import parse

__all__ = ["Address", "ClusterAddress", "EmbeddedAddress", "GrpcAddress", "TcpAddress", "parse"]
