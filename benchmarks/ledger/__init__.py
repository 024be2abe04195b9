"""What a posting costs, and what the books can tell at a million entries: beside the bare function and the peers."""
