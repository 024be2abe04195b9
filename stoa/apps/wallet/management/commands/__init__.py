"""Commands of wallets."""
