"""What attacks are held to."""
