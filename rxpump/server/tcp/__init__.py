"""The TCP protocol of the embedded server: sessions, requests and subscriptions."""
