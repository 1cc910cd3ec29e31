"""A web page that shows the streams of an event store, for `rxpump ui` and `rxpump serve --ui`.

    browser ──▶ security ──▶ routes ──▶ pipeline ──▶ JSON, or server-sent events ──▶ browser
                                           │
                                           ▼
                                    client of the store

`serve` runs the application that `app` builds. Each view is a module of `routes`, and each list on it is a pipeline
of the client's Observables. `server_sent_events` sends the responses that have no end, and pauses its source
while the browser does not read. `event_json` describes an event as plain values. The folder `static` contains the
page itself.
"""
