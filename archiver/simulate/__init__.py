"""A simulated Tiledesk: a server that behaves as the real one does, and a support desk behind it.

It exists so that recorder and reports can be tried and tested without credentials, against a
truth that is known. It is no model of how a desk ought to work and no load generator.
"""
