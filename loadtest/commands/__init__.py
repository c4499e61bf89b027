"""The commands, one file each: `HELP`, `configure(parser)`, `main(options) -> int`. A file with `_` is for several."""
