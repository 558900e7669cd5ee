"""Every metric, computed in plain Python from what really happened on a simulated desk.

Written from the definitions, not from the SQL. It reads the truth and nothing else: no archive, no
frame, no database. What a recorder cannot know is left out by the rules of `book.py`.
"""
