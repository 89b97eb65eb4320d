"""The lab: machines joined by an emulated WAN, MPyC programs run on them, figures, reports."""

__version__ = "0.1.0"
