"""What trackers say, read over the guarded client and turned into runs of ours. Nothing here writes."""
