"""Side-by-side measurements of the registry against other servers."""
