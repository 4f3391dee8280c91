"""The event source mapping, on this machine: what stands between a stream and the function.

A stream's records are read from its shards (`poller`), handed to the app as Lambda writes them, batch by batch, and
delivered again from the checkpoint on (`delivery`), as the function's answer says (`answers`).
"""
