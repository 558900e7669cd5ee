"""A report as a document to read: one HTML file with pictures, or a short text for chat and mail.

The report's figures are those of `analytics.report`; here they are drawn, and nothing is computed
that a metric or view could say.
"""
