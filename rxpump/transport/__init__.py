"""The seam between bytes and pages, and what stands behind it."""
