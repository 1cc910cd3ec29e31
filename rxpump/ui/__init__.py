"""A web page that shows the streams of an event store, for `rxpump ui` and `rxpump serve --ui`."""
