"""Programs that are compared. Each one receives a job as an argument, and prints its measurements as JSON."""
