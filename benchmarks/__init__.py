"""Events per second, beside another client on the same server: `make bench`."""
