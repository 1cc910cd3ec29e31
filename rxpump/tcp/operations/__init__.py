"""Operations, one module for each kind of request. An operation has the encoded request, and interprets replies."""
