"""A hardware security module, simulated: it speaks the payShield host-command format over TCP."""
