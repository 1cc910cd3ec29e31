"""The system projections: streams of links, by category and by type, that can be read and subscribed to."""
