"""Wallets: a person's coins (SLC), which are an account of theirs in the platform's book.

Owns which account is whose, who is suspended, what is held of whom, the refunds of a spend, and monthly snapshots. Amounts live in the ledger
alone: a balance is what it says.

Always true: a wallet never falls below zero; coins move between wallets or against accounts of the platform, never out
of nothing; a suspended wallet receives, and is neither spent from nor
held; one key has one effect.

Refuses: another currency, minting without a captured payment (only payments may call `mint`), free text, because what
is in the ledger stays when a person is erased.
"""
