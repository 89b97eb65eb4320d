"""Calls: how verified contacts find each other's invitation without a link."""
