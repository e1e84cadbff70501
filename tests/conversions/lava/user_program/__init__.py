"""What a user's own package of Lava Processes looks like."""
