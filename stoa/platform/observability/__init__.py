"""What Django itself adds to the story of a request."""
