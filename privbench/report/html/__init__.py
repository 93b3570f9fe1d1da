"""Results as self-contained HTML pages: no network, no script, and all that is shown is escaped."""
