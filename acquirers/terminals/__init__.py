"""Terminals and cash machines for testers: a card is inserted, tapped, swiped or typed, and what follows is real."""
