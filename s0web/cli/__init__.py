"""Commands that need more than a few lines: each has `add_parser(subparsers)` and `run(args)`."""
