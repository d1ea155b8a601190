"""Orders over HTTP to every instance at a steady rate, and how soon each is visible to a query.

result = await send_load(Load(orders=1000, rate=100), Destination(instances=urls, read_dsn=dsn))
assert result.summary.good, result.summary
"""
