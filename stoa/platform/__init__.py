"""Django plumbing without a business word in it."""
