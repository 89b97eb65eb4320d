"""What people do for a session by each solution, performed on fresh machines and counted."""
