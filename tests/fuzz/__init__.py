"""Fuzzing: damaged and forged inputs for every reader of outside data, ``make fuzz N=100000``."""
