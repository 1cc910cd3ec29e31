"""Operations, one kind of request in each file: the encoded request, and the meanings of its replies."""
