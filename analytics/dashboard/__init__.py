"""The live page: how things are now, in a browser, fresh within seconds.

`follow` reads what an archive has grown by, `live` keeps one project's chats and answers for them,
`normal` says what a usual day is like, `watch` refreshes the figures once for all viewers, `web`
serves them, and `access` says who may see them.
"""
