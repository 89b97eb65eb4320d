"""Huddle in a browser: the parts that run only in Pyodide, in a session worker or in a runner worker."""
