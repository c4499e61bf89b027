"""What the switch keeps: the sealed journal, and the tables that can always be made from it again."""
