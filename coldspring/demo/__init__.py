"""`coldspring demo`: real ratings played while lists already change, and new films timed on their way into them."""
