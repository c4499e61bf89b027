"""The load tester, a party of its own. Not built yet: the issue that builds it fills this folder."""
