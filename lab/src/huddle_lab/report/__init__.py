"""What came of it: rows, statistics, tables and pages."""
