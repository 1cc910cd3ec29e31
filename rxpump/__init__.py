"""ReactiveX for Event Store."""
