"""An event store in a process of your own, on the same wire as the real one."""
