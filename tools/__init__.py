"""Programs that develop rxpump. They are no part of the package."""
