"""Messages and methods of the gRPC protocol, one module for each service.

`import rxpump` does not import this package.
"""
