"""Which entries are the same star, which sets they are drawn into, and the audit of these sets."""
