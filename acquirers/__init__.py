"""The acquiring side: gateways, shops, terminals and cash machines that talk to the switch."""
