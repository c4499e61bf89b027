"""The Trio shell around the core: sockets, the clock, the disk, signals. It decides nothing about a payment."""
