"""The store API: internet shops take payments over HTTP, and a gateway carries them to the switch."""
