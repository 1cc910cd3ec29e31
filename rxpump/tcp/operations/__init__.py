"""What each request sends, and what each of its replies means: one operation a file."""
