"""State machines of the protocol: bytes and the time go in; bytes, results and the next deadline come out."""
