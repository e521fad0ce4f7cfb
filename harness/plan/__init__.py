"""Which runs a configuration asks for, and their settings; nothing here runs one."""
