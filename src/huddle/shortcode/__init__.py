"""The short code: typed by a guest, it becomes the invitation."""
