"""The shells of the load tester: sockets, clocks, processes. What is decided is decided outside of this folder."""
