"""One benchmark run, the same for the command and for the callback of each epoch."""
