"""Pure thinking about energy: no input, no output, no clock."""
