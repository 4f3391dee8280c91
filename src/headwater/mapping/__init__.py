"""The event source mapping, on this machine: what stands between a stream and the function.

A stream's records are read from its shards (`poller`), written as Lambda writes them (`get_records`), handed to the app
batch by batch and delivered again from the checkpoint on (`delivery`), as the function's answer says (`answers`).
"""
