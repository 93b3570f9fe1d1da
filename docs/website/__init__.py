"""The documentation as a site: what is generated for it, its navigation, and how it is built."""
