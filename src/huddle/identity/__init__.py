"""Who takes part: keys, did, contacts, words and the primitives of cryptography."""
