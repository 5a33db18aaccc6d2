"""What is asked for from outside: files that are brought, requests, ways back, and what is held meanwhile.

Nothing in here reads a file's rows."""
