"""What is worked out of each chat once, and kept beside the archive: disposable, never stale.

A chat's facts are those views that are functions of the events of that chat alone: `KEPT`. Nothing
about days, settings or agents goes into them, so what is kept of a chat holds until something new
is heard of it. `build` keeps them, `recall` asks them, and both work out by the same SQL.
"""
