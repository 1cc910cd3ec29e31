"""Convert the errors that a server sends to exceptions, one module for each form of such an error.

A server reports an error by a status whose metadata names the error (`named_errors`), by a status that has details as
messages (`detail_errors`), by a status alone (`code_errors`), or by a message of a call that continues or succeeds
(`message_errors`). `status_errors` chooses among the first three. A server cannot send some errors about names that
are not printable ASCII (`unnamed_errors`).
"""
