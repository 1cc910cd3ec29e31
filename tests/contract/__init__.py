"""What every transport promises: one suite, run against the mock transport and against TCP."""
