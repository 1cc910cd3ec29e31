"""Messages and methods of the gRPC protocol, a module for each service.

`import rxpump` does not import this package.
"""
