"""What travels between Stoa's processes: frozen, versioned, no Django."""
