"""Bytes and messages of the TCP protocol: framing, packages, commands, schema. No input or output happens here."""
