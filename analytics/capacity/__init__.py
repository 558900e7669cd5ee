"""How many agents, when, and how sure: mathematics of queues, forecasts and plans.

Everything here but `history` takes numbers and gives numbers: no archive, no clock, no file.
Times are seconds, rates are per second, loads are erlangs (arrival rate times handle time).
"""
