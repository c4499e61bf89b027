"""An acquirer's own host: decides on its merchants' requests, brings them into the network, keeps their lines."""
