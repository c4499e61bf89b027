"""The commands of `payswitch`, one file each. They read the command line and print; what they know stands elsewhere."""
