"""The ceremony: who takes part and in what, as sans-IO state machines."""
