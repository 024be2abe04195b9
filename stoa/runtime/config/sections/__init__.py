"""One file a category of settings; model.py composes them."""
