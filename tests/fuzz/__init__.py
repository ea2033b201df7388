"""Damaged and forged inputs for every reader of what comes from outside: ``make fuzz N=100000``."""
