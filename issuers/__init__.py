"""Issuing banks: hosts that answer authorizations from their own double-entry books."""
