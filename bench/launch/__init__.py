"""Launch a sweep as jobs of a cluster, or of this machine: shards, timing, and the merge of them."""
